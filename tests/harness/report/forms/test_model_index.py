"""Heads of model cards, as the hub's own library reads them."""

from dataclasses import replace
from pathlib import Path

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from harness.report.forms import model_index
from harness.report.story import Story
from tests.stories import hostile, story


def card(path: Path) -> ModelCardData:
    found = ModelCard(path.read_text()).data
    assert isinstance(found, ModelCardData)
    return found


def read(path: Path) -> list[EvalResult]:
    found = card(path).eval_results
    assert found is not None
    return found


def test_every_checkpoint_has_a_card_that_the_hub_reads(tmp_path: Path) -> None:
    paths = model_index.write(story(), tmp_path)
    assert [path.name for path in paths] == ["base.md", "iter1.md", "iter2.md", "iter3.md"]
    assert card(paths[3]).model_name == "iter3"
    assert len(read(paths[3])) == sum(len(e.scores) for e in story().entries if e.step == "iter3")


def test_a_score_is_in_percent_with_its_interval_and_what_was_read(tmp_path: Path) -> None:
    first = read(model_index.write(story(), tmp_path)[1])[0]
    assert (first.metric_type, first.metric_value) == ("lc_win_rate", 25.0)
    assert first.metric_name == "LC win rate (%)"
    assert first.metric_args == {"interval_95": [21.0, 29.0], "n": 39, "n_unread": 1}


def test_two_judges_of_one_benchmark_are_two_configurations(tmp_path: Path) -> None:
    results = read(model_index.write(story(), tmp_path)[0])
    found = {one.dataset_config for one in results if one.dataset_type == "alpaca_eval"}
    assert found == {"2.0, gpt-4-1106-preview judging", "2.0, pairrm judging"}
    assert results[0].dataset_args == dict(story().tracks[0].identity)


def test_flags_go_with_the_scores(tmp_path: Path) -> None:
    last = read(model_index.write(story(), tmp_path)[3])[0]
    assert last.metric_args is not None
    assert last.metric_args["flags"] == ["length grew by 41 %"]


def withheld(whole: Story) -> Story:
    entries = [replace(e, scores=[replace(s, value=None) for s in e.scores]) for e in whole.entries]
    return replace(whole, entries=[*entries[:4], *whole.entries[4:]])


def test_a_checkpoint_with_nothing_but_withheld_scores_has_no_card(tmp_path: Path) -> None:
    paths = model_index.write(withheld(story(2)), tmp_path)
    assert [path.name for path in paths] == ["iter1.md"]


def test_hostile_names_stay_names(tmp_path: Path) -> None:
    text = "---\n- &a *b: !!python/object:os.system {x}: '\"\n---"
    paths = model_index.write(hostile(text), tmp_path)
    assert card(paths[0]).model_name == f"{text}0"
    assert read(paths[0])[0].dataset_name == text
