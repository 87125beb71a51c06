"""What a command names, opened."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.assets import Library
from harness.commands.models import (
    Buying,
    Models,
    bill,
    doubts,
    is_remote,
    judge_name,
    named_benchmark,
    named_series,
    run_name,
)
from harness.errors import DataError, SpecError
from harness.models.local.weights import fingerprint
from harness.models.scripted import Scripted
from harness.models.serving.batch import Batched
from harness.spec import Checkpoint, Series
from harness.store import Budgeted, Cached, Spend, Store
from harness.types import Decoding, Model, ModelOptions, Rubric
from tests.leaves import planted
from tests.records import benchmark, card, comparison, prompt, rubric

PARROT = """
from harness.models.scripted import Scripted
def build(name, options):
    return Scripted(lambda _: options.chat_template, name)
"""
NO_ASSETS = Library({}, [], Path("no cache"))


@pytest.fixture
def models(tmp_path: Path) -> Iterator[Models]:
    with Store(tmp_path / "store.sqlite") as store:
        yield Models(ModelOptions(), NO_ASSETS, store, "run")


@pytest.fixture
def series() -> Series:
    return named_series(["scripted:a", "scripted:b"])


def checkpoint(model: str, **fields: Any) -> Checkpoint:
    return Checkpoint(name="iter1", model=model, **fields)


def recording(folder: Path) -> str:
    file = folder / "answers.json"
    file.write_text(json.dumps([{"asked": "q0", "answer": "yes"}]))
    return f"replay:{file}"


def test_a_checkpoints_answers_are_kept_under_the_run(models: Models) -> None:
    (model,) = models.of_checkpoint(checkpoint("scripted:yes"), [benchmark()])
    assert isinstance(model, Cached)
    assert (model.store, model.run) == (models.store, "run")


def test_a_checkpoint_is_one_model_for_all_benchmarks(models: Models) -> None:
    one, other = models.of_checkpoint(checkpoint("scripted:yes"), [benchmark()] * 2)
    assert one is other


def test_a_model_within_a_budget_is_asked_no_more_than_it_allows(models: Models) -> None:
    spending = replace(models, buying=Buying(budget=0.5))
    kept = spending.live("scripted:yes")
    assert isinstance(kept, Cached)
    assert isinstance(kept.model, Budgeted)
    assert (kept.model.usd, kept.model.run) == (0.5, "run")


def test_a_budget_needs_prices(models: Models) -> None:
    spending = replace(models, buying=Buying(budget=0.5))
    with pytest.raises(SpecError, match="expected models whose price is known for --budget, came"):
        spending.live("http://127.0.0.1:9/v1#tiny")


def test_a_budget_limits_both_ways_of_asking(models: Models) -> None:
    spending = replace(models, buying=Buying(budget=0.5, batch=True))
    kept = spending.live("openai:gpt-4.1")
    assert isinstance(kept, Cached)
    outer = kept.model
    assert isinstance(outer, Budgeted)
    assert isinstance(outer.model, Batched)
    assert isinstance(outer.model.model, Budgeted)
    assert (outer.batched, outer.model.model.batched) == (True, False)


def test_a_model_that_sells_no_batches_is_told_once_and_asked_directly(models: Models) -> None:
    told: list[str] = []
    kept = replace(models, buying=Buying(batch=True, tell=told.append)).live("scripted:yes")
    assert isinstance(kept, Cached)
    assert isinstance(kept.model, Scripted)
    assert told == [
        "scripted:yes is asked directly: only models of anthropic and openai are asked by batch"
    ]


def test_a_recording_is_opened_for_each_benchmark_and_kept_by_itself(
    models: Models, tmp_path: Path
) -> None:
    one, other = models.of_checkpoint(checkpoint(recording(tmp_path)), [benchmark()] * 2)
    assert one is not other
    assert not isinstance(one, Cached)


def test_a_checkpoint_with_weights_is_known_by_them(models: Models, tmp_path: Path) -> None:
    for name in ("config.json", "tokenizer.json", "pytorch_model.bin"):
        (tmp_path / name).write_text("{}")
    named = checkpoint("http://127.0.0.1:1/v1#a", weights=str(tmp_path))
    (model,) = models.of_checkpoint(named, [benchmark()])
    assert model.identity["weights"] == fingerprint(tmp_path)


def test_half_the_weights_are_refused(models: Models, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    named = checkpoint("http://127.0.0.1:1/v1#a", weights=str(tmp_path))
    with pytest.raises(DataError, match="has no tokenizer"):
        models.of_checkpoint(named, [benchmark()])


def test_a_live_models_answers_are_kept(models: Models) -> None:
    assert isinstance(models.live("scripted:yes"), Cached)


def test_a_judges_answers_are_kept_but_not_a_recordings(models: Models, tmp_path: Path) -> None:
    assert isinstance(models.of_judge("scripted:1", benchmark(), rubric()), Cached)
    file = tmp_path / "said.json"
    file.write_text(json.dumps([{"asked": "q0", "answer": "yes", "said": "1"}]))
    assert not isinstance(models.of_judge(f"replay:{file}", benchmark(), rubric()), Cached)


def test_a_model_that_judges_is_opened_once(models: Models) -> None:
    one, other = (models.of_judge("scripted:1", benchmark(), rubric()) for _ in range(2))
    assert one is other


def test_self_is_the_checkpoint(models: Models) -> None:
    judge = models.judge("self", benchmark(), Scripted(lambda _: "0.75", "mine"))
    (verdict,) = judge([comparison()])
    assert (verdict.judge, verdict.value) == ("self", 0.75)


def test_self_is_nobody_where_no_checkpoint_is_scored(models: Models) -> None:
    with pytest.raises(SpecError, match="came 'both:self', in which 'self' is nobody here"):
        models.judge("both:self", benchmark())


def test_each_model_that_a_judge_asks_is_wrapped(models: Models) -> None:
    seen = []

    def wrap(model: Model, asked: Rubric) -> Model:
        seen.append((model.name, asked.name))
        return model

    models.judge("jury:scripted:1,both:scripted:0", benchmark(), None, wrap)
    assert seen == [("scripted:1", "numbers"), ("scripted:0", "numbers")]


def test_a_matcher_decides_whoever_is_asked_for() -> None:
    exact = benchmark(card=card(judge="exact"))
    assert judge_name(exact, "openai:gpt-4.1") == "exact"
    assert judge_name(benchmark(), None, "openai:gpt-4.1") == "openai:gpt-4.1"
    assert judge_name(benchmark(), None) == "openai:gpt-4"


@pytest.mark.parametrize("judge", ["self", "both:self", "jury:hf:j,additive:self", "hf:m"])
def test_a_checkpoint_that_judges_itself_is_a_doubt(judge: str) -> None:
    assert list(doubts(checkpoint("hf:m"), judge)) == ["it judged itself"]


@pytest.mark.parametrize(("own", "used"), [("fastchat:own", "fastchat:own"), (None, "fastchat:x")])
def test_a_checkpoints_own_template_comes_first(
    models: Models, tmp_path: Path, own: str | None, used: str
) -> None:
    asked = replace(models, options=ModelOptions(chat_template="fastchat:x"))
    with planted("harness.models.parrot", PARROT, tmp_path / "models"):
        (model,) = asked.of_checkpoint(checkpoint("parrot:a", chat_template=own), [benchmark()])
    assert model.generate([prompt()])[0].text == used


def test_names_of_models_make_a_series() -> None:
    assert [c.name for c in named_series(["hf:x/one", "hf:x/two"]).checkpoints] == ["one", "two"]


def test_a_series_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    file.write_text("name: run\ncheckpoints: [{name: base, model: 'hf:a'}]\n")
    assert named_series([str(file)]).name == "run"


def test_a_series_file_stands_alone() -> None:
    with pytest.raises(SpecError, match=r"came 2 names with run\.yml among them"):
        named_series(["hf:a", "run.yml"])


def test_decoding_is_the_commands_else_the_series(series: Series) -> None:
    changed = series.model_copy(
        update={"decoding": series.decoding.model_copy(update={"max_tokens": 5, "top_p": 0.5})}
    )
    made = named_benchmark("tiny", changed, {"max_tokens": 7, "temperature": None}, 1)
    (asked,) = made.load(NO_ASSETS)
    assert asked.decoding == Decoding(max_tokens=7, top_p=0.5)


def test_a_run_is_called_after_its_series_and_what_is_asked(series: Series) -> None:
    assert run_name(series, 1) == run_name(series, 1)
    assert run_name(series, 1) != run_name(series, 2)
    assert run_name(series, 1).startswith("a-")


def test_a_server_is_remote(models: Models) -> None:
    assert is_remote(models.of_judge("http://127.0.0.1:1/v1#a", benchmark(), rubric()))
    assert not is_remote(Scripted(lambda _: ""))


def test_a_judge_that_labelled_the_training_data_is_a_doubt() -> None:
    trained = checkpoint("hf:a", trained_by_judge="hf:j")
    assert list(doubts(trained, "hf:j")) == ["hf:j also labelled its training data"]
    assert not list(doubts(trained, "hf:k"))


def test_a_judge_that_picked_the_best_samples_is_a_doubt() -> None:
    picked = checkpoint("scripted:a", best_of={"n": 2, "judge": "hf:j"})
    assert list(doubts(picked, "hf:j")) == ["hf:j also picked the best of its samples"]
    assert list(doubts(picked, "hf:k")) == []


def test_a_server_without_weights_is_a_doubt() -> None:
    (doubt,) = doubts(checkpoint("http://h/v1#a"), "hf:j")
    assert "does not tell its weights" in doubt
    assert not list(doubts(checkpoint("http://h/v1#a", weights="./a"), "hf:j"))


def spend(usd: float | None, possibly_paid: int = 0) -> Spend:
    return Spend("run", "openai", "gpt-4", 3, 0, possibly_paid, 70, 5, usd)


def test_what_was_bought_is_a_table() -> None:
    (table,) = bill([spend(1.255), spend(None)])
    assert table.rows[0] == ["openai:gpt-4", "3", "0", "70", "5", "1.25"]
    assert table.rows[1][-1] == "?"


def test_what_was_free_is_no_table_unless_calls_were_lost() -> None:
    assert bill([spend(0.0)]) == []
    assert len(bill([spend(0.0, possibly_paid=1)])) == 1
