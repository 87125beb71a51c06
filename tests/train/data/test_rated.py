from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from harness.chambers import Resampled
from harness.errors import ModelError
from harness.models.hf import HuggingFace
from harness.models.scripted import Scripted
from harness.store import Cached, Store
from harness.types import UNWATCHED, Decoding, Generation, Judge, Model, Prompt, Response, Watch
from tests import records
from train.data.rated import Rating, Settings, build, rate
from train.examples import Answer, Example
from train.workshop import Workshop

pytest_plugins = ["tests.tiny.fixtures"]
pytestmark = pytest.mark.usefixtures("own_cache")


@dataclass
class Drawing:
    """Draws the k-th letter of a prompt as its k-th sample: "!" is refused, "z" has no end."""

    name: str = "drawing"
    identity: Mapping[str, str] = field(default_factory=dict)
    asked: list[Prompt] = field(default_factory=list)
    closed: bool = False

    def generate(self, prompts: Sequence[Prompt], watch: Watch = UNWATCHED) -> list[Generation]:
        self.asked += prompts
        return [self._drawn(prompt) for prompt in prompts]

    def close(self) -> None:
        self.closed = True

    def _drawn(self, prompt: Prompt) -> Generation:
        letter = prompt.turns[0][prompt.decoding.sample]
        if letter == "!":
            return Generation(prompt, self.name, (), "too long")
        return Generation(
            prompt, self.name, (Response(letter, "length" if letter == "z" else "stop"),)
        )


def points(*samples: str) -> Scripted:
    """A judge's model that says, sample by sample, a character about each response in order."""
    said = iter("".join(samples))
    return Scripted(lambda _: f"Score: {next(said)}")


@dataclass
class Desk:
    """A workshop that remembers what it was told."""

    prompts: Sequence[str]
    judging: Model
    model: Model = field(default_factory=Drawing)
    writer: Model = field(default_factory=lambda: Scripted(lambda _: pytest.fail("nothing to ask")))
    said: list[str] = field(default_factory=list)
    opened: list[tuple[str, str, int]] = field(default_factory=list)

    def open_judge(self, name: str, rubric: str, sample: int = 0) -> Judge:
        self.opened.append((name, rubric, sample))
        return records.judge(name, Resampled(self.judging, sample))

    def build(self, **fields: Any) -> list[Example]:
        workshop = Workshop(
            model=self.model,
            prompts=self.prompts,
            open_model=lambda _: self.writer,
            open_judge=self.open_judge,
            try_judge=lambda *_: pytest.fail("only a check tries"),
            assets=None,  # type: ignore[arg-type]
            folder=Path(),
            say=self.said.append,
        )
        return build(Settings.model_validate({"kind": "rated"} | fields), workshop)


def pair(asked: str, chosen: str, rejected: str) -> Example:
    return Example((asked,), (Answer(chosen), Answer(rejected)))


def test_the_best_and_the_worst_by_mean_rating_make_a_pair() -> None:
    """Means 2, 3, 11/3 and 1, though a has the first judgment's 5 and the second's 0."""
    assert Desk(["abcd"], points("5321", "0341", "1351")).build() == [pair("abcd", "c", "d")]


def test_only_judgments_that_were_read_are_averaged() -> None:
    """a has 4 alone: had the unread one counted as 0, b's 3 and 3 were better."""
    desk = Desk(["ab"], points("43", "?3"))
    assert desk.build(samples=2, judgments=2) == [pair("ab", "a", "b")]


def test_a_response_without_a_rating_is_left_out() -> None:
    assert Desk(["abc"], points("2?1")).build(samples=3, judgments=1) == [pair("abc", "a", "c")]


def test_of_equals_the_first_is_taken() -> None:
    assert Desk(["abcd"], points("1515")).build(judgments=1) == [pair("abcd", "b", "a")]


def test_a_response_that_was_cut_has_no_end() -> None:
    (example,) = Desk(["az"], points("51")).build(samples=2, judgments=1)
    assert example.responses == (Answer("a"), Answer("z", ended=False))


def test_what_is_dropped_is_told_with_its_cause() -> None:
    """The equal responses are rated 5 and 1 by chance; of "g!" only g is judged."""
    desk = Desk(["ab", "cc", "de", "f?", "g!"], points("1251334n5"))
    assert desk.build(samples=2, judgments=1) == [pair("ab", "b", "a")]
    (line,) = desk.said
    assert line == (
        "1 pairs of 5 prompts rated by 'additive:self'; prompts dropped: 1 tied, 1 with equal "
        "responses, 2 with fewer than two rated responses; judgments unread: 2, the first because: "
        "not a whole number from 0 to 5: 'n'"
    )


def test_nothing_is_dropped_in_silence_or_told_in_vain() -> None:
    desk = Desk(["ab"], points("12"))
    desk.build(samples=2, judgments=1)
    (line,) = desk.said
    assert line.endswith("prompts dropped: none; judgments unread: none")


def test_nothing_left_is_an_error_that_says_why() -> None:
    with pytest.raises(ModelError) as error:
        Desk(["ab", "cd"], points("33xx")).build(samples=2, judgments=1)
    assert str(error.value) == (
        "expected pairs to train on, came 0 pairs of 2 prompts rated by 'additive:self'; prompts "
        "dropped: 1 tied, 1 with fewer than two rated responses; judgments unread: 2, the first "
        "because: not a whole number from 0 to 5: 'x'; name another judge, or sample at a higher "
        "temperature"
    )


def test_responses_are_samples_of_prompts_with_ids_of_their_own() -> None:
    model = Drawing()
    Desk(["ab", "cd"], points("1234"), model).build(
        samples=2, judgments=1, temperature=0.5, top_p=0.8, max_tokens=7
    )
    decodings = [Decoding(7, 0.5, 0.8), Decoding(7, 0.5, 0.8, sample=1)]
    assert [one.decoding for one in model.asked] == decodings * 2
    assert [one.turns for one in model.asked] == [("ab",)] * 2 + [("cd",)] * 2
    assert len({one.id for one in model.asked}) == 4
    assert model.closed, "a judge on the same device has room"


def test_each_judgment_is_another_sample_of_the_judge() -> None:
    desk = Desk(["ab"], judging := points("12", "12", "12"))
    desk.build(samples=2, judge="additive:m", rubric="mt_bench")
    assert desk.opened == [("additive:m", "mt_bench", sample) for sample in range(3)]
    assert [one.decoding.sample for one in judging.asked] == [0, 0, 1, 1, 2, 2]


def test_new_prompts_take_the_place_of_those_they_are_written_after() -> None:
    writer = Scripted(lambda _: "zy")
    desk = Desk([*"abcdefgh"], points("12"), writer=writer)
    (example,) = desk.build(samples=2, judgments=1, generate={"model": "m", "n": 1, "min_words": 1})
    assert example.said == ("zy",)
    assert desk.said[0] == "1 of 1 new prompts; answers dropped: none"
    assert len(writer.asked) == 1


def test_the_writer_of_prompts_makes_room_before_responses_are_drawn() -> None:
    class Writer(Scripted):
        def close(self) -> None:
            closed.append("writer")

    class Checkpoint(Drawing):
        def generate(self, prompts: Sequence[Prompt], watch: Watch = UNWATCHED) -> list[Generation]:
            assert closed == ["writer"]
            return super().generate(prompts, watch)

    closed: list[str] = []
    desk = Desk([*"abcdefgh"], points("12"), Checkpoint(), Writer(lambda _: "zy"))
    assert desk.build(samples=2, judgments=1, generate={"model": "m", "n": 1, "min_words": 1})


def test_several_judgments_make_one_rating() -> None:
    judges = [records.judge("additive:x", points(said)) for said in ("5", "4", "x")]
    answer = Generation(Prompt("q", ("q",), Decoding(9)), "m", (Response("a"),))
    assert rate([[], [answer]], judges) == [
        [],
        [Rating(4.5, ("not a whole number from 0 to 5: 'x'",))],
    ]


@pytest.mark.parametrize(
    "field", [{"samples": 1}, {"judgments": 0}, {"temperature": 0}, {"kind": "x"}, {"typo": 1}]
)
def test_settings_are_checked_at_the_door(field: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate({"kind": "rated"} | field)


def test_a_checkpoint_that_cannot_judge_itself_is_refused(model: HuggingFace) -> None:
    with pytest.raises(ModelError, match=r"0 pairs of 2 prompts .* judgments unread: 8, "):
        Desk(["one", "two"], model, model).build(samples=2, judgments=2, max_tokens=4)


def test_what_was_judged_is_kept_and_not_asked_again(tmp_path: Path) -> None:
    with Store(tmp_path / "store.sqlite") as store:
        said = points("52", "43", "51")
        desk = Desk(["ab"], Cached(said, store, "run"))
        first = desk.build(samples=2)
        assert desk.build(samples=2) == first == [pair("ab", "a", "b")]
    assert len(said.asked) == 6, "three samples of two judgments, once"
