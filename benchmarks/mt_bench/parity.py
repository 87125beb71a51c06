"""MT-Bench's published numbers, recomputed from its published judgments.

Upstream averages whatever rows there are: it leaves out -1, lets 0 in and counts a doubled row
twice. The first checks count as upstream does; their notes say for which models we count otherwise.
"""

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean

from benchmarks.mt_bench import rows as fields
from benchmarks.mt_bench.files import read_outputs, read_pairs
from benchmarks.mt_bench.pairs import game
from benchmarks.mt_bench.questions import ORIGINAL_REFERENCES, load_questions
from benchmarks.mt_bench.rubric import HIGHEST, LOWEST, pair_rubric, rating_rubric
from benchmarks.mt_bench.scores import MIN_COVERAGE, Judged, rating_scores
from benchmarks.mt_bench.singles import by_model, rating, tally_singles
from harness.rows import parse_rows
from harness.types import Assets, Check, Comparison, Generation, Response, Rows, Unread

EXPECTED = "mt_bench/expected_scores.csv"
JUDGMENTS = "mt_bench/model_judgment/"
ASKED = f"{JUDGMENTS}gpt-4_single/mistral-orpo-mix.jsonl"
ANSWERED = "mt_bench/model_answer_forks/mistral-orpo-mix.jsonl"
"""The published judgments that keep what the judge was asked, and the answers they are of."""
PAIR_JUDGMENTS = f"{JUDGMENTS}gpt-4_pair_phi-3.jsonl"
_COLUMNS = {"first turn": "first_turn", "second turn": "second_turn", "average": "average"}
_LIMIT = 1e-9

Rated = Mapping[str, Rows]
"""One model's rows by its name."""


def verify_singles(assets: Assets) -> list[Check]:
    """Means of 69 models, and the reading of the judge's words."""
    rated = {model: rows for rows in _files(assets) for model, rows in by_model(rows).items()}
    expected = _expected(assets)
    means = {model: upstream_means(rows) for model, rows in rated.items() if model in expected}
    notes = list(_counted_otherwise(rated, assets))
    return [
        *(
            _check(name, _differences(means, expected, column), _LIMIT, notes)
            for name, column in _COLUMNS.items()
        ),
        verify_reading(assets),
        verify_asking(assets),
    ]


def verify_corrected(assets: Assets) -> list[Check]:
    """The reading of the judge's words, as in the original version; nothing else is published."""
    absent = "no judgments by the corrected references are published"
    return [
        verify_reading(assets),
        Check("average", 0, math.nan, _LIMIT, notes=(absent,), provable=False),
    ]


def verify_reading(assets: Assets) -> Check:
    """Our reading of the judge's words against the published ratings."""
    found = {
        f"{row.get('model')}:{number}": _reading(row, number)
        for rows in _files(assets)
        for number, row in enumerate(rows)
    }
    differences = {place: found[place] for place in found if not math.isnan(found[place])}
    refused = len(found) - len(differences)
    note = f"ratings outside 1 to 10 that upstream counts and we do not: {refused}"
    return _check("rating read from the judge's words", differences, 0, [note] if refused else [])


def verify_asking(assets: Assets) -> Check:
    """What the judge was asked, built again, 0 where it is the same to the byte."""
    claim = "judge's prompts built again from the answers"
    if not (assets.has(ASKED) and assets.has(ANSWERED)):
        return _check(claim, {}, 0, ["no published judgments that keep their prompts"])
    questions = {one.id: one for one in load_questions(assets)}
    answers = read_outputs(parse_rows(assets.read(ANSWERED), ANSWERED), assets)
    ask = rating_rubric(ORIGINAL_REFERENCES, assets).ask
    differences = {}
    for number, row in enumerate(parse_rows(assets.read(ASKED), ASKED)):
        question, turn = questions[row["question_id"]], fields.turn(row, number)
        said = tuple(map(Response, answers[question.turns]))
        asked = ask(Comparison(Generation(question.prompt, "", said), turn=turn)).turns
        differences[f"row {number}"] = float(asked != (row["user_prompt"],))
    return _check(claim, differences, 0)


def verify_pairs(assets: Assets) -> list[Check]:
    """Our reading of the judge's words against the published winners, 0 or 1 for each game."""
    if not assets.has(PAIR_JUDGMENTS):
        return [_check("winner read from the judge's words", {}, 0, ["no published judgments"])]
    rows = parse_rows(assets.read(PAIR_JUDGMENTS), PAIR_JUDGMENTS)
    differences = {
        f"game {place} of row {number}": float(
            winner(row, number, place) != row[f"g{place}_winner"]
        )
        for number, row in enumerate(rows)
        for place in (1, 2)
    }
    return [_check("winner read from the judge's words", differences, 0), _asking(rows, assets)]


def _asking(rows: Rows, assets: Assets) -> Check:
    """The games' prompts taken apart and built again, 0 where they are the same to the byte."""
    ask = pair_rubric(ORIGINAL_REFERENCES, assets).ask
    published = [
        row[f"g{game}_user_prompt"]
        for row in rows
        for game in (1, 2)
        if row[f"g{game}_judgment"] not in fields.FAILED
    ]
    recorded = read_pairs(rows, assets, ORIGINAL_REFERENCES)
    differences = {
        f"game {number}": float(ask(one.comparison).turns != (asked,))
        for number, (asked, one) in enumerate(zip(published, recorded, strict=True))
    }
    return _check("judge's prompts built again from the answers", differences, 0)


def winner(row: fields.Row, number: int, place: int) -> str:
    """Who won a game, in upstream's words."""
    value = game(row, number, place)
    return (
        "error" if isinstance(value, Unread) else {1.0: "model_1", 0.0: "model_2"}.get(value, "tie")
    )


def upstream_means(rows: Rows) -> dict[str, float]:
    """Mean rating of each turn and of both, by column, as upstream counts rows."""
    read = [(fields.turn(row, i), fields.score(row, i)) for i, row in enumerate(rows)]
    kept = [(turn, score) for turn, score in read if score != -1]
    return {
        "first_turn": fmean(score for turn, score in kept if turn == 0),
        "second_turn": fmean(score for turn, score in kept if turn == 1),
        "average": fmean(score for _, score in kept),
    }


def _files(assets: Assets) -> Iterator[Rows]:
    """Official single-answer judgments on this machine, file by file."""
    for name in filter(assets.has, assets.names(JUDGMENTS)):
        if name != PAIR_JUDGMENTS:
            yield parse_rows(assets.read(name), name)


def _expected(assets: Assets) -> dict[str, dict[str, str]]:
    rows = csv.DictReader(io.StringIO(assets.read(EXPECTED).decode()))
    return {row["model"]: row for row in rows}


def _differences(
    means: Mapping[str, Mapping[str, float]],
    expected: Mapping[str, Mapping[str, str]],
    column: str,
) -> dict[str, float]:
    return {
        model: abs(found[column] - float(expected[model][column])) for model, found in means.items()
    }


def _counted_otherwise(rated: Rated, assets: Assets) -> Iterator[str]:
    """What upstream makes of a model whose rows are not one readable rating for each turn."""
    questions = {one.id: one for one in load_questions(assets)}
    for model, rows in sorted(rated.items()):
        found = tally_singles(rows, questions)
        unread = sum(one.value is None for one in found.judged)
        if unread or found.doubts:
            upstream, turns = upstream_means(rows)["average"], len(found.judged)
            counted = sum(fields.score(row, number) != -1 for number, row in enumerate(rows))
            yield (
                f"{model}: upstream averages {counted} of {len(rows)} rows to {upstream:.2f}; we "
                f"read {turns - unread} of {turns} turns{_ours(found.judged)}"
            )


def _ours(judged: Sequence[Judged]) -> str:
    score = rating_scores(judged, {})[0]
    if score.value is None or score.coverage < MIN_COVERAGE:
        return ", too few for a score"
    return f", whose mean is {score.value:.2f}"


def _reading(row: fields.Row, number: int) -> float:
    """Difference to the published rating; NaN where it is a number that we do not accept."""
    value, published = rating(row, number), fields.score(row, number)
    if isinstance(value, Unread):
        if published == -1:
            return 0.0
        return math.inf if LOWEST <= published <= HIGHEST else math.nan
    return abs(value - published)


def _check(
    claim: str, differences: Mapping[str, float], limit: float, notes: Sequence[str] = ()
) -> Check:
    worst = max(differences, key=differences.__getitem__, default="")
    largest = differences[worst] if worst else math.nan
    shown = worst if largest else ""
    return Check(claim, len(differences), largest, limit, shown, tuple(notes))
