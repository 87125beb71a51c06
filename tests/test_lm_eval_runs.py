"""`score` on lm-eval's tasks: from a checkpoint to the table."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.command import Run
from tests.servers.loopback import Loopback
from tests.tiny.checkpoint import make_checkpoint
from tests.tiny.server import serve

pytest.importorskip("lm_eval", reason="the lm-eval extra is not installed")
pytestmark = [
    pytest.mark.usefixtures("mirror"),
    pytest.mark.filterwarnings("ignore"),  # of a package that is not ours
]
TASK = ("-b", "lm_eval:winogrande", "--limit", "6")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A base model: it ships no chat template."""
    folder = tmp_path_factory.mktemp("models") / "base"
    return f"hf:{make_checkpoint(folder, template=None)}"


def results() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(Path("out.json").read_text())["results"]
    return found


def test_a_base_model_is_scored_and_a_second_run_asks_nothing(run: Run, base: str) -> None:
    first = run("score", base, *TASK, "--json", "out.json", "--items")
    assert first.status == 0, first.err
    [one] = results()
    assert (one["benchmark"], one["scores"][0]["metric"]) == ("lm_eval:winogrande@0.4.13", "acc")
    assert (one["scores"][0]["n"], len(one["items"])) == (6, 6)
    assert one["identity"]["chat template"] == "none"
    again = run("score", base, *TASK, "--json", "out.json", "--items")
    assert "answering" in first.err
    assert "answering" not in again.err
    assert results() == [one]


def test_a_run_of_likelihoods_ends_in_a_report_too(run: Run, base: str) -> None:
    ran = run("score", base, *TASK, "--out", "kept")
    assert "no report" not in ran.err
    (page,) = Path("kept").glob("*/report.html")
    assert "lm_eval:winogrande" in page.read_text()


def test_a_dry_run_counts_what_would_be_asked(run: Run, base: str) -> None:
    ran = run("score", base, *TASK, "--dry-run")
    assert ran.status == 0, ran.err
    assert "lm_eval:winogrande@0.4.13" in ran.out


def test_the_first_prompt_of_each_task_is_shown(run: Run, base: str) -> None:
    shown = run("score", base, *TASK, "--show-prompts", "--json", "out.json")
    assert "--- base is shown lm_eval:winogrande/winogrande/0 (" in shown.out
    assert "\nSarah was a much better surgeon than Maria so Sarah\n" in shown.out
    assert "how likely is: ' always got the easier cases.'" in shown.out
    assert len(results()[0]["identity"]["model first prompts sha256"]) == 64


def refused(ran: Any) -> str:
    assert ran.status == 2
    [line] = ran.lines
    assert line.startswith("error: ")
    return str(line)


def test_a_model_that_only_answers_is_refused_before_it_is_asked(
    run: Run, loopback: Loopback
) -> None:
    ran = run("score", f"{loopback.url}#chat", *TASK)
    assert "only answers in conversations, name the checkpoint, hf:PATH_OR_ID" in refused(ran)
    assert not loopback.seen


def test_no_benchmark_is_paid_for_when_another_cannot_be_answered(
    run: Run, loopback: Loopback
) -> None:
    ran = run("score", f"{loopback.url}#chat", "-b", "alpaca_eval,lm_eval:piqa", "--limit", "2")
    assert "only answers in conversations, name the checkpoint" in refused(ran)
    assert not loopback.seen


def test_a_recording_is_refused(run: Run) -> None:
    Path("outputs.json").write_text('[{"instruction": "a", "output": "b"}]')
    assert "do not tell how likely" in refused(run("score", "replay:outputs.json", *TASK))


def test_a_base_model_is_refused_questions_before_any_answer(run: Run, base: str) -> None:
    ran = run("score", base, "-b", "lm_eval:winogrande,alpaca_eval", "--limit", "2")
    assert "ships no chat template" in refused(ran)
    assert "answering" not in ran.err


def test_an_unknown_task_is_refused(run: Run, base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.lm_eval.opening.folder_of", lambda _: ["piqa"])  # not all 14,000
    line = refused(run("score", base, "-b", "lm_eval:piqqa"))
    assert "no task of lm-eval is called 'piqqa'; did you mean 'piqa'?" in line


def test_contexts_longer_than_the_window_are_told(run: Run, base: str) -> None:
    ran = run("score", base, "-b", "lm_eval:arc_easy:5", "--limit", "3")
    assert "3 of 3 contexts are longer than the window and lost their beginning" in ran.out
    assert "reformatted copy" in ran.out


def test_one_load_of_a_checkpoint_serves_all_benchmarks(
    run: Run, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from harness.models.local import loading

    loads: list[Any] = []
    real = loading.read_network

    def counted(checkpoint: Any, **told: Any) -> Any:
        loads.append(checkpoint)
        return real(checkpoint, **told)

    monkeypatch.setattr(loading, "read_network", counted)
    ran = run("score", base, "-b", "lm_eval:piqa,lm_eval:gsm8k:1", "--limit", "2")
    assert ran.status == 0, ran.err
    assert len(loads) == 1


def outputs(folder: str) -> list[dict[str, Any]]:
    [file] = Path(folder).rglob("model_outputs.json")
    rows: list[dict[str, Any]] = json.loads(file.read_text())
    return rows


def test_a_server_of_the_same_weights_gets_the_same_scores(run: Run, base: str) -> None:
    with serve(Path(base.removeprefix("hf:"))) as url:
        served = run("score", f"{url}#base", *TASK, "--json", "out.json", "--out", "served")
        assert served.status == 0, served.err
        [there] = results()
    run("score", base, *TASK, "--json", "out.json", "--out", "here")
    [here] = results()
    assert [one["value"] for one in there["scores"]] == [one["value"] for one in here["scores"]]
    for one, other in zip(outputs("served"), outputs("here"), strict=True):
        for ours, theirs in zip(one["loglikelihoods"], other["loglikelihoods"], strict=True):
            assert ours == pytest.approx(theirs, abs=1e-4)
    assert "echoes" in there["identity"]["model likelihoods"]
    assert [one["identity"]["model log-softmax"] for one in (here, there)] == [
        "float32",
        "the server's own",
    ]


def test_what_a_server_told_is_not_asked_again_when_it_is_away(run: Run, base: str) -> None:
    with serve(Path(base.removeprefix("hf:"))) as url:
        first = run("score", f"{url}#base", *TASK, "--json", "out.json")
        assert first.status == 0, first.err
        [one] = results()
    assert run("score", f"{url}#base", *TASK, "--json", "out.json").status == 0
    assert results() == [one]


@pytest.mark.parametrize("benchmark", ["agieval", "lm_eval:winogrande"])
def test_answers_that_were_written_are_scored_again(run: Run, base: str, benchmark: str) -> None:
    words = ("score", base, "-b", benchmark, "--limit", "9", "--json", "out.json", "--out", "run")
    assert run(*words).status == 0
    [first] = results()
    [file] = Path("run").rglob("model_outputs.json")
    again = run("rescore", benchmark, "--outputs", str(file), "--json", "out.json")
    assert again.status == 0, again.err
    assert results()[0]["scores"] == first["scores"]


def test_answers_of_another_task_are_refused(run: Run, base: str) -> None:
    assert run("score", base, *TASK, "--out", "run").status == 0
    [file] = Path("run").rglob("model_outputs.json")
    line = refused(run("rescore", "lm_eval:piqa", "--outputs", str(file)))
    assert "of another benchmark" in line
