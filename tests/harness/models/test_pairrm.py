import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from harness import registry
from harness.errors import DataError, ModelError
from harness.models import pairrm
from harness.models.pairrm import PairRM, build
from harness.store import Cached, Store
from harness.types import Decoding, Generation, Model, ModelOptions, Prompt, Usage
from tests.tiny.pair_ranker import as_published, make_pair_ranker

pytestmark = pytest.mark.usefixtures("own_cache")
pytest_plugins = ["tests.tiny.fixtures"]


@pytest.fixture(scope="module")
def ranker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_pair_ranker(tmp_path_factory.mktemp("pairrm") / "ranker")


@pytest.fixture
def model(ranker: Path) -> PairRM:
    return build(f"pairrm:{ranker}", ModelOptions(batch_size=4))


def ask(*texts: str, **fields: Any) -> Prompt:
    plain = Prompt("/".join(texts), (json.dumps(texts),), Decoding(max_tokens=1))
    return replace(plain, **fields)


def said(model: Model, *prompts: Prompt) -> list[float]:
    return [float(answer.text) for answer in model.generate(prompts)]


WORDS = [f"{'word ' * n}{n}" for n in (0, 9, 3, 30, 1, 4)]
PROMPTS = [ask("What?", one, other) for one in WORDS for other in WORDS if one != other]


class Seen:
    """Writes down what it sees."""

    def __init__(self) -> None:
        self.started_, self.finished_ = list[list[Prompt]](), list[Prompt]()

    def started(self, prompts: Sequence[Prompt]) -> None:
        self.started_.append(list(prompts))

    def finished(self, generations: Sequence[Generation]) -> None:
        self.finished_ += [generation.prompt for generation in generations]


def test_answers_come_in_the_order_of_the_prompts(model: PairRM) -> None:
    answers = model.generate(PROMPTS)
    assert [answer.prompt for answer in answers] == PROMPTS
    alone = [said(model, prompt)[0] for prompt in PROMPTS]
    assert [float(answer.text) for answer in answers] == pytest.approx(alone, abs=1e-5)
    assert len(set(alone)) == len(alone)


def test_the_text_is_the_logit_as_python_writes_it(model: PairRM) -> None:
    (answer,) = model.generate([ask("a", "b", "c")])
    assert answer.text == repr(float(answer.text))
    assert answer.responses[0].usage == Usage(12, 1)


def test_the_watch_sees_each_batch_before_and_after(model: PairRM) -> None:
    seen = Seen()
    answers = model.generate(PROMPTS, seen)
    assert sorted(seen.finished_, key=PROMPTS.index) == [answer.prompt for answer in answers]
    assert [prompt for batch in seen.started_ for prompt in batch] == seen.finished_
    assert max(map(len, seen.started_)) == 4


def test_prompts_that_ask_the_same_are_answered_once(model: PairRM) -> None:
    again = ask("a", "b", "c", id="another")
    sampled = ask("a", "b", "c", decoding=Decoding(max_tokens=1, sample=3))
    seen = Seen()
    answers = model.generate([ask("a", "b", "c"), again, sampled], seen)
    assert len({answer.text for answer in answers}) == 1
    assert len(seen.started_) == 1


@pytest.mark.parametrize(
    "turns",
    [("Hello",), ("[1, 2, 3]",), ('["a", "b"]',), ('{"a": 1}',), ('["a", "b", "c"]', "d"), ("[",)],
)
def test_what_is_no_array_of_three_texts_is_refused(model: PairRM, turns: tuple[str, ...]) -> None:
    seen = Seen()
    wrong = ask(turns=turns)
    refused, answered = model.generate([wrong, ask("a", "b", "c")], seen)
    assert refused.responses == ()
    assert "three texts [source, first, second]" in (refused.failure or "")
    assert answered.failure is None
    assert seen.started_ == [[answered.prompt]]


def test_nothing_is_loaded_for_nothing(model: PairRM, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairrm._slot, "_load", None)
    model.close()
    assert model.generate([]) == []
    assert model.generate([ask(turns=("Hello",))])[0].failure


def test_weights_are_loaded_once_for_all_models_of_a_folder(
    ranker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads: list[object] = []
    load = pairrm._load

    def counted(key: Any) -> Any:
        loads.append(key)
        return load(key)

    monkeypatch.setattr(pairrm._slot, "_load", counted)
    models = [build(f"pairrm:{ranker}", ModelOptions()) for _ in range(2)]
    models[0].close()
    for model in models:
        said(model, ask("a", "b", "c"))
    assert len(loads) == 1
    models[0].close()
    said(models[1], ask("a", "b", "c"))
    assert len(loads) == 2


def test_both_published_layouts_answer_alike(model: PairRM, ranker: Path, tmp_path: Path) -> None:
    other = build(f"pairrm:{as_published(ranker, tmp_path / 'published')}", ModelOptions())
    assert said(other, *PROMPTS) == pytest.approx(said(model, *PROMPTS), abs=1e-5)


def test_the_identity_is_of_weights_budgets_and_precision(model: PairRM, ranker: Path) -> None:
    half = build(f"pairrm:{ranker}", ModelOptions(dtype="bfloat16"))
    differ = {key for key, value in model.identity.items() if half.identity[key] != value}
    assert differ == {"dtype"}
    assert model.identity["budgets"] == "source 1224, candidate 412"
    assert str(ranker) not in str(model.identity)


def test_auto_is_the_full_precision(ranker: Path) -> None:
    assert build(f"pairrm:{ranker}", ModelOptions()).identity["dtype"] == "float32"


def test_stored_answers_are_not_asked_for_again(
    model: PairRM, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store(tmp_path / "store.sqlite") as store:
        first = Cached(model, store, "run").generate(PROMPTS)
        monkeypatch.setattr(PairRM, "generate", None)
        again = Cached(model, store, "run").generate(PROMPTS)
    assert [answer.text for answer in first] == [answer.text for answer in again]


def test_it_is_found_by_name(ranker: Path) -> None:
    assert registry.live(f"pairrm:{ranker}", ModelOptions()).name == f"pairrm:{ranker}"
    assert registry.describe("model", "pairrm").startswith("`pairrm")


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is no folder here"):
        build(f"pairrm:{tmp_path}/none", ModelOptions())


def test_files_that_change_under_a_run_end_it(ranker: Path, tmp_path: Path) -> None:
    folder = copytree(ranker, tmp_path / "copy")
    model = build(f"pairrm:{folder}", ModelOptions())
    make_pair_ranker(folder, seed=5)
    with pytest.raises(DataError, match="changed after this run began"):
        model.generate([ask("a", "b", "c")])


def edited(folder: Path, **values: Any) -> PairRM:
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | values))
    return build(f"pairrm:{folder}", ModelOptions())


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"num_attention_heads": 5}, "cannot load .*copy: The hidden size"),
        ({"num_hidden_layers": 1}, "has unknown 16 tensors"),
        ({"hidden_act": "none"}, "cannot load .*copy: its config.json with these weights"),
    ],
)
def test_settings_that_do_not_fit_are_told_in_one_line(
    ranker: Path, tmp_path: Path, values: dict[str, Any], error: str
) -> None:
    model = edited(copytree(ranker, tmp_path / "copy"), **values)
    with pytest.raises((DataError, ModelError), match=error) as told:
        model.generate([ask("a", "b", "c")])
    assert "\n" not in str(told.value)


def test_a_tokenizer_of_another_network_is_told(ranker: Path, tmp_path: Path) -> None:
    folder = as_published(ranker, tmp_path / "published")
    names = tmp_path / "encoder" / "tokenizer.json"
    held = json.loads(names.read_text())
    held["added_tokens"].append({**held["added_tokens"][0], "id": 101, "content": "[MORE]"})
    names.write_text(json.dumps(held))
    model = build(f"pairrm:{folder}", ModelOptions())
    with pytest.raises(ModelError, match=r"106 tokens of the tokenizer in .*, came 105 in"):
        model.generate([ask("a", "b", "c")])


GOLDEN = {
    ("hello!", "hi!", "f**k off!"): 1.9003021717071533,
    ("I love you!", "I hate you!", "I love you, too!"): -1.2547134160995483,
}
"""Logits of llm-blender/PairRM as its authors print them."""


@pytest.mark.skipif("ITERBENCH_PAIRRM" not in os.environ, reason="ITERBENCH_PAIRRM names no folder")
def test_the_published_weights_give_the_published_logits() -> None:
    """ITERBENCH_PAIRRM: a folder of llm-blender/PairRM or llm-blender/PairRM-hf."""
    model = build(f"pairrm:{os.environ['ITERBENCH_PAIRRM']}", ModelOptions())
    found = said(model, *(ask(*texts) for texts in GOLDEN))
    assert found == pytest.approx(list(GOLDEN.values()), abs=1e-3)


@pytest.mark.network
def test_the_weights_on_the_hub_give_the_published_logits() -> None:
    found = said(build("pairrm", ModelOptions()), *(ask(*texts) for texts in GOLDEN))
    assert found == pytest.approx(list(GOLDEN.values()), abs=1e-3)
