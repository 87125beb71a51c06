from pathlib import Path

import pytest

from harness.models.hf import HuggingFace, build
from harness.models.local.templates import Message, Shipped
from harness.types import Decoding, ModelOptions, Prompt
from train.demo.checkpoint import TEMPLATE, VOCABULARY, make_base, make_tokenizer
from train.demo.sets import prompts
from train.demo.world import judge_text

pytestmark = pytest.mark.usefixtures("own_cache")
pytest_plugins = ["tests.tiny.fixtures"]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_base(tmp_path_factory.mktemp("base") / "m", seed=1)


@pytest.fixture
def model(base: Path) -> HuggingFace:
    return build(f"hf:{base}", ModelOptions())


def test_it_loads_and_answers_as_any_checkpoint(model: HuggingFace) -> None:
    asked = [Prompt(str(n), (one,), Decoding(8, 1.0)) for n, one in enumerate(prompts("hard")[:3])]
    answers = model.generate(asked)
    assert [answer.failure for answer in answers] == [None] * 3
    assert all(len(answer.text) <= 8 and " " not in answer.text for answer in answers)


def test_template_and_stop_tokens_fit_together(model: HuggingFace) -> None:
    assert model.lint() == []
    assert model.stop_ids == {VOCABULARY.index("</s>")}


def test_it_has_a_third_of_a_million_parameters_in_safetensors(base: Path) -> None:
    size = (base / "model.safetensors").stat().st_size
    assert 0.36e6 < size / 4 < 0.38e6


def test_the_seed_decides_the_weights(base: Path, tmp_path: Path) -> None:
    weights = [
        (make_base(tmp_path / str(seed), seed) / "model.safetensors").read_bytes()
        for seed in (1, 2)
    ]
    assert (base / "model.safetensors").read_bytes() == weights[0] != weights[1]


def test_making_it_leaves_other_random_numbers_alone(tmp_path: Path) -> None:
    import torch

    state = torch.get_rng_state()
    make_base(tmp_path)
    assert torch.equal(torch.get_rng_state(), state)


def test_each_character_of_the_world_is_a_token() -> None:
    tokenizer = make_tokenizer()
    for text in (*prompts("hard"), judge_text("length:abc=", "~0123456!xyz"), "+a*"):
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        assert len(ids) == len(text)
        assert tokenizer.unk_token_id not in ids
        assert tokenizer.decode(ids) == text


def test_other_characters_are_unknown() -> None:
    ids = make_tokenizer()("a \nÄ", add_special_tokens=False)["input_ids"]
    assert ids == [VOCABULARY.index("a"), *[VOCABULARY.index("<unk>")] * 3]


def test_the_vocabulary_has_38_tokens_each_once() -> None:
    assert len(VOCABULARY) == len(set(VOCABULARY)) == 38


def test_a_conversation_is_written_as_it_stands() -> None:
    said: list[Message] = [
        {"role": "user", "content": "copy:ab="},
        {"role": "assistant", "content": "*ab."},
        {"role": "user", "content": "last:ab="},
    ]
    text = Shipped(TEMPLATE).render(said, make_tokenizer())
    assert text == "<s>copy:ab=*ab.</s>last:ab="
