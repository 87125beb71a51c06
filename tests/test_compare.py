"""`compare` on real published answers and a judge behind real HTTP."""

import json
import re
import sqlite3
import sys
from collections.abc import Iterator
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from rich.console import Console

from harness import registry
from harness.commands.compare import CompareRequest, compare
from harness.commands.setting import Setting
from harness.errors import DataError, ModelError, SpecError, UnknownNameError
from harness.judging import asking
from harness.report.table import Table
from harness.types import Assets, Benchmark, ModelOptions
from tests.leaves import planted
from tests.records import comparison, prompt
from tests.servers.loopback import Loopback, Reply, Seen, completion, serving

NAMES = ("alpaca-7b", "alpaca-farm-ppo-sim-gpt4-20k", "alpaca-farm-ppo-human")
FIRST, SECOND, THIRD = MODELS = [f"replay:{name}.json" for name in NAMES]
LIMIT = 20
_OUTPUTS = re.compile(r'"output": """(.*?)"""\n', re.DOTALL)


def saying(letters: dict[str, float]) -> Reply:
    """The judge's one token, with log-probabilities for some letters and three others."""
    return Reply(body=_completion([*letters.items(), *((str(n), -9.0) for n in range(3))]))


def _completion(top: list[tuple[str, float]]) -> dict[str, Any]:
    answer = completion({"model": "tiny", "logprobs": True}, "m")
    token = answer["choices"][0]["logprobs"]["content"][0]
    token["top_logprobs"] = [{"token": text, "logprob": logprob} for text, logprob in top]
    return answer


def outputs(seen: Seen) -> list[str]:
    """Both answers in the order in which the judge sees them; none in the probe."""
    return _OUTPUTS.findall(seen.asked)


def longer(seen: Seen, _before: int) -> Reply:
    """A judge for whom the longer answer is three times as likely the better one."""
    first, second = map(len, outputs(seen) or ["", ""])
    ahead = (second > first) - (second < first)
    return saying({"m": -1.1, "M": -1.1 + 1.0986123 * ahead})


def second(_seen: Seen, _before: int) -> Reply:
    """A judge who likes whatever stands second."""
    return saying({"m": -3.0, "M": -0.05})


Texts = dict[str, str]
"""Answers by instruction."""


@pytest.fixture(scope="module")
def published(mirror: Path) -> list[Texts]:
    """What the three models published, to as many prompts as the limit leaves."""
    official = Setting(mirror).library()
    prompts = registry.benchmark("alpaca_eval").load(official)
    kept = [prompts[n * len(prompts) // LIMIT].turns[0] for n in range(LIMIT)]
    files = [official.read(f"alpaca_eval/annotations_full/{name}.json") for name in NAMES]
    answers = [{row["instruction"]: row["output_2"] for row in json.loads(f)} for f in files]
    return [{question: texts[question] for question in kept} for texts in answers]


def record(model: str, texts: Texts) -> str:
    """Writes the file of a recorded model."""
    rows = [{"instruction": question, "output": text} for question, text in texts.items()]
    Path(model.removeprefix("replay:")).write_text(json.dumps(rows))
    return model


class Bench(NamedTuple):
    """Where a comparison is run: a folder with three recorded models, and a judge."""

    server: Loopback
    mirror: Path
    shown: StringIO
    noted: StringIO

    def compare(self, *what: str, **fields: Any) -> list[Table]:
        """The tables; data are in out.json."""
        judge = self.server.openai
        plain: dict[str, Any] = {"benchmark": "alpaca_eval", "judge": judge, "limit": LIMIT}
        out, err = Console(file=self.shown, width=200), Console(file=self.noted, width=200)
        setting = Setting(self.mirror, Path("out.json"), out, err)
        return compare(CompareRequest(what=what, **(plain | fields)), setting)

    @property
    def asked(self) -> list[tuple[str, ...]]:
        """The two answers of every question to the judge, in the order in which they stood."""
        return [tuple(outputs(seen)) for seen in self.server.seen if outputs(seen)]


@pytest.fixture
def bench(
    mirror: Path, published: list[Texts], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bench]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    for model, texts in zip(MODELS, published, strict=True):
        record(model, texts)
    with serving() as server:
        server.script = longer
        yield Bench(server, mirror, StringIO(), StringIO())


def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path("out.json").read_text())
    return found


def pairs() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = document()["pairs"]
    return found


def values(pair: dict[str, Any]) -> dict[str, float]:
    return {score["metric"]: score["value"] for score in pair["scores"]}


def test_every_pair_is_judged_in_both_orders(bench: Bench) -> None:
    bench.compare(*MODELS)
    assert len(bench.asked) == len(set(bench.asked)) == 3 * LIMIT * 2
    assert {question[::-1] for question in bench.asked} == set(bench.asked)


def test_a_win_rate_is_what_the_judges_rule_gives(bench: Bench, published: list[Texts]) -> None:
    bench.compare(FIRST, SECOND)
    ours, theirs = (list(map(len, texts.values())) for texts in published[:2])
    signs = [(a > b) - (a < b) for a, b in zip(ours, theirs, strict=True)]
    found = values(pairs()[0])
    # The longer answer has 3 of 4 chances: a quarter more than one half.
    assert found["win_rate"] == pytest.approx(0.5 + sum(signs) / LIMIT / 4, abs=1e-6)
    assert (found["win"], found["lose"]) == (signs.count(1) / LIMIT, signs.count(-1) / LIMIT)
    assert found["flips"] == 0


def test_a_judge_that_likes_a_place_decides_nothing(bench: Bench) -> None:
    bench.server.script = second
    bench.compare(FIRST, SECOND)
    assert values(pairs()[0]) == pytest.approx(
        {"win_rate": 0.5, "win": 0.0, "tie": 1.0, "lose": 0.0, "flips": 1.0}
    )


def test_a_second_run_asks_nothing_and_gives_the_same_bits(bench: Bench) -> None:
    bench.compare(FIRST, SECOND, items=True)
    first, asked = Path("out.json").read_bytes(), len(bench.server.seen)
    bench.compare(FIRST, SECOND, items=True)
    assert Path("out.json").read_bytes() == first
    assert len(bench.server.seen) == asked


def test_another_checkpoint_asks_only_for_its_own_pairs(bench: Bench) -> None:
    bench.compare(FIRST, SECOND)
    bench.compare(*MODELS)
    assert len(bench.asked) == len(set(bench.asked)) == 3 * LIMIT * 2


def test_the_matrix_and_the_pairs_are_shown_and_written(bench: Bench) -> None:
    matrix, listed, *_ = bench.compare(FIRST, SECOND)
    assert matrix.rows[0][1] == ""
    assert float(matrix.rows[0][2]) + float(matrix.rows[1][1]) == pytest.approx(100, abs=0.011)
    assert listed.rows[0][0] == "alpaca-7b.json vs alpaca-farm-ppo-sim-gpt4-20k.json"
    (folder,) = Path("results").glob("alpaca-7b.json-*")
    assert (folder / "head_to_head.md").read_text() in bench.shown.getvalue()
    written = json.loads((folder / "head_to_head.json").read_text())
    assert written["format"] == document()["format"] == "iterbench.head_to_head/1"
    assert len(written["pairs"][0]["items"]) == 20
    assert f"written to {folder}" in bench.noted.getvalue()


def test_items_come_when_they_are_asked_for(bench: Bench) -> None:
    bench.compare(FIRST, SECOND)
    assert "items" not in pairs()[0]
    bench.compare(FIRST, SECOND, items=True)
    (pair,) = pairs()
    assert sum(item["value"] for item in pair["items"]) / 20 == pytest.approx(
        values(pair)["win_rate"]
    )


def test_a_pair_names_what_decided_it(bench: Bench) -> None:
    bench.compare(FIRST, SECOND)
    identity = pairs()[0]["identity"]
    assert (identity["benchmark"], identity["prompts"]) == ("alpaca_eval@2.0", "20")
    assert identity["model baseline"] == SECOND
    assert identity["model recording"] != identity["model baseline recording"]
    assert len(identity["judge rubric sha256"]) == 64
    assert "calibration" not in identity


def test_equal_answers_are_ties_and_nobody_is_asked(bench: Bench, published: list[Texts]) -> None:
    bench.compare(FIRST, record("replay:twin.json", published[0]))
    (pair,) = pairs()
    assert (pair["equal"], values(pair)["tie"], values(pair)["flips"]) == (20, 1.0, 0.0)
    assert bench.asked == []
    assert bench.server.seen == [], "not even the probe"


@pytest.mark.parametrize("order", [1, -1])
def test_a_missing_answer_is_unread_on_either_side(
    bench: Bench, published: list[Texts], order: int
) -> None:
    gap = record("replay:gap.json", dict([*published[1].items()][1:]))
    bench.compare(*[FIRST, gap][::order], items=True, options=ModelOptions(partial=True))
    (pair,) = pairs()
    assert {(score["n"], score["n_unread"]) for score in pair["scores"]} == {(19, 1)}
    (unread,) = [item for item in pair["items"] if item["value"] is None]
    assert unread["id"] == "alpaca_eval/0"
    assert "gap.json has no answer" in unread["cause"]


def test_a_pair_that_was_never_read_is_withheld_and_its_prompts_are_counted_once(
    bench: Bench,
) -> None:
    bench.server.script = lambda _seen, _before: saying({"Neither": 0.0, "Both": -1.0})
    matrix, listed, *_ = bench.compare(FIRST, SECOND)
    assert matrix.rows[0][2] == matrix.rows[1][1] == "withheld"
    assert "20 unread, the score is withheld at 0.0% coverage" in listed.notes[-2]
    assert "(20 neither m nor M among the 5 likeliest tokens)" in listed.notes[-2]
    assert set(values(pairs()[0]).values()) == {None}


def test_a_dry_run_counts_each_order_and_asks_nobody(bench: Bench) -> None:
    (table,) = bench.compare(*MODELS, dry_run=True)
    assert [row[3:5] for row in table.rows] == [["0", "0"]] * 3 + [["0", "40"]] * 3
    assert [row["to_judge"] for row in document()["plan"]] == [0, 0, 0, 40, 40, 40]
    assert bench.server.seen == []
    assert not list(Path("results").glob("alpaca-7b.json-*"))


def test_a_dry_run_leaves_out_what_is_stored(bench: Bench) -> None:
    bench.compare(FIRST, SECOND)
    bench.compare(*MODELS, dry_run=True)
    assert [row["to_judge"] for row in document()["plan"]] == [0, 0, 0, 0, 40, 40]


def test_a_dry_run_has_the_price_of_both_orders(bench: Bench) -> None:
    bench.compare(FIRST, SECOND, judge="openai:gpt-4-1106-preview", dry_run=True)
    total = sum(row["usd"] for row in document()["plan"])
    # Against GPT-4's longer answers one judgment cost 0.008 in published files.
    assert 0.004 < total / (2 * LIMIT) < 0.008


def test_models_that_have_not_answered_are_planned_as_different(bench: Bench) -> None:
    models = [f"{bench.server.url}/v1#{name}" for name in ("one", "two")]
    bench.compare(*models, dry_run=True)
    rows = [(row["to_answer"], row["to_judge"]) for row in document()["plan"]]
    assert rows == [(20, 0), (20, 0), (0, 40)]
    assert bench.server.seen == []


def test_live_models_answer_once_and_are_paid_for_once(bench: Bench) -> None:
    def live(seen: Seen, before: int) -> Reply:
        if seen.body["model"] == "tiny":
            return longer(seen, before)
        return Reply(text=f"{seen.body['model']} says {seen.asked}")

    bench.server.script = live
    models = [f"{bench.server.url}/v1#{name}" for name in ("a", "longer")]
    bench.compare(*models)
    *_, last = bench.compare(*models)
    assert values(pairs()[0])["lose"] == 1.0
    with sqlite3.connect("results/store.sqlite") as db:
        assert db.execute("SELECT count(*) FROM answers").fetchone() == (2 * 20 + 2 * 20 + 1,)
    assert len(bench.server.seen) == 2 * 20 + 2 * 20 + 1
    assert last.title == "Paid for this series"
    assert "a: its server does not tell its weights" in bench.shown.getvalue()


HEAVY = """
from harness.models.scripted import Scripted
LOG = []
class Heavy(Scripted):
    def generate(self, prompts, watch):
        LOG.append(f"open {self.name}")
        return super().generate(prompts, watch)
    def close(self):
        LOG.append(f"close {self.name}")
def build(name, options):
    return Heavy(lambda prompt: name, name)
"""


def test_one_checkpoint_is_closed_before_the_next_answers(bench: Bench, tmp_path: Path) -> None:
    with planted("harness.models.heavy", HEAVY, tmp_path / "leaves"):
        bench.compare("heavy:a", "heavy:b")
        log = import_module("harness.models.heavy").LOG
    assert log == ["open heavy:a", "close heavy:a", "open heavy:b", "close heavy:b"]


def test_a_judge_that_labelled_the_training_data_is_marked(bench: Bench) -> None:
    judge = bench.server.openai
    Path("run.yaml").write_text(
        f"name: run\njudge: '{judge}'\ncheckpoints:\n"
        f"  - {{name: base, model: '{FIRST}'}}\n"
        f"  - {{name: iter1, model: '{SECOND}', trained_by_judge: '{judge}'}}\n"
    )
    _, listed, *_ = bench.compare("run.yaml", judge=None)
    assert f"base vs iter1: iter1: {judge} also labelled its training data" in listed.notes


def test_runs_that_ask_something_else_do_not_overwrite_each_other(bench: Bench) -> None:
    for limit in (5, 10, 5):
        bench.compare(FIRST, SECOND, limit=limit)
    assert len(list(Path("results").glob("alpaca-7b.json-*"))) == 2


def test_one_checkpoint_has_nobody_to_meet(bench: Bench) -> None:
    with pytest.raises(SpecError, match=r"two checkpoints or more to compare, came 'alpaca-7b"):
        bench.compare(FIRST)
    assert not Path("results").exists()


def test_a_series_file_stands_alone(bench: Bench) -> None:
    with pytest.raises(SpecError, match="one series file or several models, came 2"):
        bench.compare("run.yaml", FIRST)


def test_an_unknown_benchmark_is_named(bench: Bench) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'alpaca_eval'"):
        bench.compare(FIRST, SECOND, benchmark="alpaca_evil")


def test_a_benchmark_whose_judge_rates_is_refused(bench: Bench, tmp_path: Path) -> None:
    source = (
        "from harness.pairing import alone\nfrom tests.records import benchmark\n"
        "BENCHMARK = benchmark(compare=alone())\n"
    )
    with (
        planted("benchmarks.rated", source, tmp_path / "leaves"),
        pytest.raises(SpecError, match="whose judge compares two answers, came tiny@1"),
    ):
        bench.compare(FIRST, SECOND, benchmark="rated")


def test_recordings_with_gaps_are_refused_unless_they_are_partial(
    bench: Bench, published: list[Texts]
) -> None:
    gap = record("replay:gap.json", dict([*published[0].items()][1:]))
    with pytest.raises(DataError, match="1 of 20 are missing"):
        bench.compare(gap, SECOND)


def test_a_judge_without_log_probabilities_is_refused_before_anything_is_asked(
    bench: Bench,
) -> None:
    bench.server.script = lambda _seen, _before: Reply(body=_completion([("M", -0.1)]))
    with pytest.raises(ModelError, match="to return the 5 likeliest tokens"):
        bench.compare(FIRST, SECOND)
    assert bench.asked == []


def test_a_retired_judge_is_told_of_before_it_is_asked(bench: Bench) -> None:
    with pytest.raises(ModelError, match="OPENAI_API_KEY"):
        bench.compare(FIRST, SECOND, judge="openai:gpt-4-1106-preview")
    assert "announced to retire" in bench.noted.getvalue()


def prompts_file(published: list[Texts], **names: str) -> str:
    """Five of the prompts as a file of a user's own."""
    key = names.get("key", "prompt")
    rows = [json.dumps({key: asked}) for asked in [*published[0]][:5]]
    Path("mine.jsonl").write_text("\n".join(rows))
    return "mine.jsonl"


@pytest.mark.parametrize("key", ["prompt", "instruction"])
def test_checkpoints_meet_on_a_file_of_prompts(
    bench: Bench, published: list[Texts], key: str
) -> None:
    mine = prompts_file(published, key=key)
    bench.compare(FIRST, SECOND, THIRD, benchmark=mine, rubric="alpaca_eval", limit=None)
    assert document()["benchmark"].startswith("mine@")
    (pair, *_) = pairs()
    assert pair["identity"]["judge rubric"] == "weighted_alpaca_eval_gpt4_turbo"
    assert pair["scores"][0]["n"] == 5


def test_a_dry_run_of_a_file_counts_both_orders(bench: Bench, published: list[Texts]) -> None:
    mine = prompts_file(published)
    bench.compare(FIRST, SECOND, benchmark=mine, rubric="alpaca_eval", limit=None, dry_run=True)
    assert [plan["to_judge"] for plan in document()["plan"]] == [0, 0, 10]


@pytest.mark.parametrize("row", [{"prompt": 3}, {"turns": ["one", "two"]}, {"asked": "x"}])
def test_a_row_that_is_no_prompt_is_named(bench: Bench, row: dict[str, object]) -> None:
    Path("mine.jsonl").write_text(json.dumps({"prompt": "good"}) + json.dumps(row))
    with pytest.raises(DataError, match=r"in row 1 of mine.jsonl"):
        bench.compare(FIRST, SECOND, benchmark="mine.jsonl", rubric="alpaca_eval")


def test_a_file_of_prompts_needs_a_rubric(bench: Bench, published: list[Texts]) -> None:
    with pytest.raises(SpecError, match="--rubric"):
        bench.compare(FIRST, SECOND, benchmark=prompts_file(published))


def test_ties_that_are_left_out_are_named_in_the_identity(bench: Bench) -> None:
    bench.compare(FIRST, SECOND, ties="drop")
    (pair,) = pairs()
    found = values(pair)
    assert pair["identity"]["ties"] == "drop"
    assert found["win_rate"] == pytest.approx(found["win"] / (found["win"] + found["lose"]))


def test_an_unknown_worth_of_ties_is_refused(bench: Bench) -> None:
    with pytest.raises(SpecError, match="one of mean, half, drop"):
        bench.compare(FIRST, SECOND, ties="third")


def test_pairs_and_matrix_are_drawn_beside_the_tables(bench: Bench) -> None:
    bench.compare(FIRST, SECOND)
    assert {file.name for file in Path("results").glob("*/*.svg")} == {"matrix.svg", "pairs.svg"}


def test_without_matplotlib_the_tables_come_all_the_same(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    matrix, pairs_shown, *_ = bench.compare(FIRST, SECOND)
    assert len(matrix.rows) == len(pairs_shown.rows) + 1
    assert "no figures: expected matplotlib" in " ".join(bench.noted.getvalue().split())


JUDGED = [one for one in registry.benchmarks() if one.card.judge != "exact"]


@pytest.mark.parametrize("benchmark", JUDGED, ids=lambda b: b.card.label)
def test_a_swapped_comparison_is_shown_the_other_way_round(
    benchmark: Benchmark, files: Assets
) -> None:
    first = asking(benchmark.grader(files)).shows_candidate_first
    for place in range(20):
        pair = comparison("short", "a longer answer", prompt(f"question {place}"))
        assert first(pair) == first(pair.swap())


def test_a_clear_pair_is_judged_no_further_than_decides_it(
    bench: Bench, published: list[Texts]
) -> None:
    """All twenty prompts are one block, which decides it."""
    long = record(
        "replay:long.json", {asked: f"{text} more" for asked, text in published[0].items()}
    )
    bench.server.script = certain
    bench.compare(FIRST, long, until_decided=True)
    assert "decided after 20 of 20 prompts" in bench.noted.getvalue()
    (pair,) = pairs()
    assert pair["identity"]["until decided"].endswith("blocks of 20")
    assert pair["scores"][0]["interval"][1] < 0.5


def certain(seen: Seen, _before: int) -> Reply:
    """A judge who is sure that the longer answer is better."""
    first, last = map(len, outputs(seen) or ["", ""])
    return saying({"m": -9.0, "M": 0.0} if last > first else {"m": 0.0, "M": -9.0})


@pytest.mark.parametrize("fields", [{"batch": True}, {"ties": "drop"}])
def test_what_cannot_stop_on_the_way_is_refused(bench: Bench, fields: dict[str, Any]) -> None:
    with pytest.raises(SpecError, match="--until-decided"):
        bench.compare(FIRST, SECOND, until_decided=True, **fields)
