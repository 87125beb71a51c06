"""Further samples of the same prompts."""

from harness.chambers import Resampled
from harness.models.scripted import Scripted
from harness.types import Decoding
from tests.records import prompt


def test_each_prompt_is_asked_as_a_further_sample() -> None:
    model = Resampled(Scripted(lambda asked: str(asked.decoding.sample), "m"), 2)
    asked = [prompt("a"), prompt("b", decoding=Decoding(4, sample=3))]
    assert [one.text for one in model.generate(asked)] == ["2", "5"]


def test_it_is_the_same_model_whichever_sample_it_gives() -> None:
    model = Scripted(lambda _: "", "m")
    again = Resampled(model, 2)
    assert (again.name, again.identity) == (model.name, model.identity)
