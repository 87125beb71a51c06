"""People's labels as a trial: a file of JSON lines, or of a JSON list, in either of two forms.

Responses that were ranked (1 is the best, equal ranks are a tie), and two that were compared
(`preference` is for `a`: 1 is a, 0 is b, 0.5 a tie, the mean where several people were asked)::

    {"prompt": "...", "responses": ["...", "..."], "ranks": [1, 2], "models": ["m1", "m2"]}
    {"prompt": "...", "a": "...", "b": "...", "preference": 1, "annotator": "p7"}

`prompt` may be a list of what the user said turn by turn. A response may also be an object with
`text` and `rank`, as recipes for training judges have them. `models` (or `model_a` and `model_b`)
may be left out. Several rows on one pair, by different annotators, count as one verdict: their
mean. Other keys are ignored.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

from harness.errors import DataError
from harness.rows import read_files
from harness.trials.cases import Case, Pair, Trial
from harness.types import Assets, Decoding, Generation, Prompt, Response

PEOPLE = "people"

Row = Mapping[str, Any]


class _Told(NamedTuple):
    """What one row says."""

    turns: tuple[str, ...]
    texts: tuple[str, ...]
    models: tuple[str, ...]
    golds: tuple[float, ...]
    """The preference for the first of each pair, in the order of `combinations`."""


def labelled(source: str) -> Trial:
    """The labels in a file, in a folder of files or in `asset:NAME`, as a trial."""
    return Trial(
        name=source,
        title=f"labels of {Path(source).name}",
        gold=PEOPLE,
        load=lambda assets: read_labels(source, assets),
    )


def read_labels(source: str, assets: Assets) -> list[Case]:
    """A case for each prompt with its responses.

    Raises:
        DataError: Nothing is there, or a row is of neither form.
    """
    told = [
        _read(row, f"{name}, row {number}")
        for name, rows in read_files(source, assets).items()
        for number, row in enumerate(rows, 1)
    ]
    together: dict[tuple[tuple[str, ...], ...], list[_Told]] = {}
    for one in told:
        together.setdefault(one[:3], []).append(one)
    return [_case(number, same) for number, same in enumerate(together.values())]


def _case(number: int, same: Sequence[_Told]) -> Case:
    turns, texts, models, _ = same[0]
    golds = [fmean(one.golds[place] for one in same) for place in range(len(same[0].golds))]
    asked = Prompt(f"people/{number}", turns, Decoding(max_tokens=0))
    silent = (Response(""),) * (len(turns) - 1)  # what was said before is not told
    return Case(
        tuple(
            Generation(asked, model, (*silent, Response(text)))
            for text, model in zip(texts, models, strict=True)
        ),
        tuple(
            Pair(*places, gold)
            for places, gold in zip(combinations(range(len(texts)), 2), golds, strict=True)
        ),
    )


def _read(row: Row, where: str) -> _Told:
    turns = _turns(row.get("prompt"), where)
    if "preference" in row:
        return _compared(turns, row, where)
    responses = _list(row, "responses", where)
    objects = [one for one in responses if isinstance(one, Mapping)]
    if objects and len(objects) == len(responses):
        row = {**row, "ranks": [one.get("rank") for one in objects]}
        responses = [one.get("text") for one in objects]
    texts = tuple(_text(one, "responses", where) for one in responses)
    ranks = [_number(one, "ranks", where) for one in _list(row, "ranks", where)]
    models = row.get("models") or [""] * len(texts)
    if not len(texts) == len(ranks) == len(models) or len(texts) < 2:
        raise DataError(
            f"{where}: expected two or more responses with a rank each, came {len(texts)} "
            f"responses, {len(ranks)} ranks and {len(models)} models; correct the row"
        )
    named = tuple(_text(one, "models", where) for one in models)
    return _Told(turns, texts, named, tuple(_preferences(ranks)))


def _preferences(ranks: Sequence[float]) -> Iterator[float]:
    for here, there in combinations(ranks, 2):
        yield 0.5 if here == there else float(here < there)


def _compared(turns: tuple[str, ...], row: Row, where: str) -> _Told:
    gold = _number(row["preference"], "preference", where)
    if not 0 <= gold <= 1:
        raise DataError(
            f"{where}: expected a preference for 'a' from 0 to 1, came {gold:g}; correct the row"
        )
    texts = _text(row.get("a"), "a", where), _text(row.get("b"), "b", where)
    models = str(row.get("model_a") or ""), str(row.get("model_b") or "")
    return _Told(turns, texts, models, (gold,))


def _turns(prompt: Any, where: str) -> tuple[str, ...]:
    turns = prompt if isinstance(prompt, list) and prompt else [prompt]
    return tuple(_text(turn, "prompt", where) for turn in turns)


def _list(row: Row, key: str, where: str) -> list[Any]:
    value = row.get(key)
    if not isinstance(value, list):
        raise DataError(
            f"{where}: expected a list under '{key}', came {value!r:.40}; each row has a prompt "
            f"with responses and ranks, or with a, b and preference"
        )
    return value


def _text(value: Any, key: str, where: str) -> str:
    if not isinstance(value, str):
        raise DataError(
            f"{where}: expected a text under '{key}', came {value!r:.40}; correct the row"
        )
    return value


def _number(value: Any, key: str, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise DataError(
            f"{where}: expected a number under '{key}', came {value!r:.40}; correct the row"
        )
    return float(value)
