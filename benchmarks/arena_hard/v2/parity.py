"""Arena-Hard v2.0's procedure, recomputed from what its repository publishes.

Its pinned commit holds judgments of two models by both official judges. The board that they enter
without style control is that of creative writing, by both judges together. The boards under style
control rest on the answers and tokens of all their models, which the commit does not hold.
"""

import math
import re
from collections.abc import Iterator, Mapping

import numpy as np

from benchmarks.arena_hard.published import Row
from benchmarks.arena_hard.scores import Games
from benchmarks.arena_hard.style import counts
from benchmarks.arena_hard.v2.files import FORM, answer, said
from benchmarks.arena_hard.v2.rubric import label_reader
from benchmarks.arena_hard.v2.scores import in_both, published_win_rate
from harness.rows import parse_rows
from harness.types import Assets, Check

BOARDS = "arena_hard/v2.0/README.md"
JUDGMENTS = "arena_hard/v2.0/model_judgment/"
ANSWERS = "arena_hard/v2.0/model_answer/"

_BOARD = re.compile(r"^Creative Writing, Ensemble.*?```console\n(.*?)```", re.DOTALL | re.MULTILINE)
_LINE = re.compile(r"^\d+ +(\S+) +([\d.]+) +\(", re.MULTILINE)
_CREATIVE = "creative_writing"
_NOISE = 0.5
"""Points by which a mean of 100 unseeded rounds may miss: its deviation is about 0.12."""

_KINDS = ("header_count", "list_count", "bold_count")

Differences = Mapping[str, float]


def verify(assets: Assets) -> list[Check]:
    """Marks counted in answers, labels read from words, and the board of creative writing."""
    return [
        _check("headers, lists and bold text of an answer", _styles(assets), 0, ANSWERS),
        _check("label read from the judge's words", _labels(assets), 0, JUDGMENTS),
        _check("creative writing board, two judges", _board(assets), _NOISE, JUDGMENTS),
        Check("boards with style control", 0, math.nan, _NOISE, notes=(_ABSENT,), provable=False),
    ]


_ABSENT = (
    "boards with style control: one fit of all models of a board, whose answers and judgments are "
    "published in a Hugging Face data set only, and none is in the catalogue"
)


def _check(claim: str, found: Differences, limit: float, needed: str) -> Check:
    worst = max(found, key=found.__getitem__, default="")
    largest = found[worst] if worst else math.nan
    notes = (
        () if found else (f"{claim}: not on this machine; run 'run_eval.py assets pull {needed}'",)
    )
    shown = worst if largest else ""
    return Check(claim, len(found), largest, limit, shown, notes, provable=bool(found))


def _styles(assets: Assets) -> Differences:
    """Of every kind of mark in every answer."""
    return {
        f"{name}:{row['uid']}, {kind}": abs(ours - sum(row["metadata"][kind].values()))
        for name in filter(assets.has, assets.names(ANSWERS))
        for number, row in enumerate(parse_rows(assets.read(name), name))
        for kind, ours in zip(_KINDS, counts(answer(row, number))[1:], strict=True)
        if kind in row.get("metadata", {})
    }


def _labels(assets: Assets) -> Differences:
    """0 where our reading of a reply is the label in the file, else 1."""
    judged = [*_judged(assets)]
    read = label_reader(assets) if judged else None
    return {
        f"{name}:{row.get('uid')}, game {place}": float(read(words) != game.get("score"))
        for name, number, row in judged
        for place, game in enumerate(FORM.games(row, number), 1)
        if read is not None and game is not None and (words := said(game)) is not None
    }


def _board(assets: Assets) -> Differences:
    """In percent, of every judged model of the board; nothing unless all judgments are here."""
    if not all(map(assets.has, (*assets.names(JUDGMENTS), BOARDS))):
        return {}
    values: dict[str, list[tuple[float, float]]] = {}
    for _, number, row in _judged(assets):
        if row.get("category") == _CREATIVE:
            values.setdefault(_bare(row.get("model")), []).append(FORM.preferences(row, number))
    printed = _printed(assets)
    return {name: abs(_share(values[name]) - printed[name]) for name in values if name in printed}


def _share(pairs: list[tuple[float, float]]) -> float:
    numbers = np.repeat(np.arange(len(pairs)), 2)
    value = published_win_rate(in_both(Games(numbers, np.array(pairs).reshape(-1)))).value
    return math.nan if value is None else 100 * value


def _printed(assets: Assets) -> Differences:
    board = _BOARD.search(assets.read(BOARDS).decode())
    lines = _LINE.findall(board[1]) if board else []
    return {_bare(name): float(score) for name, score in lines}


def _bare(name: object) -> str:
    """A model's name without its folder, whatever its capitals."""
    return str(name).split("/")[-1].lower()


def _judged(assets: Assets) -> Iterator[tuple[str, int, Row]]:
    for name in filter(assets.has, assets.names(JUDGMENTS)):
        for number, row in enumerate(parse_rows(assets.read(name), name)):
            yield name, number, row
