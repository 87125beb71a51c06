"""AlpacaEval's annotations as the columns that scores are made of, in official order."""

import json
import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.alpaca_eval import fields
from benchmarks.alpaca_eval.scores import Judged
from harness.errors import DataError
from harness.types import Item, Rows

N_PROMPTS = 805
_LACKING_A_FEW = range(N_PROMPTS - 3, N_PROMPTS)
"""Rows of published files that upstream scored although outputs were missing."""

_KEPT = ("generator_1", "generator_2", "dataset", "annotator", "preference")


def read_columns(rows: Rows, baseline: str, order: Sequence[str] = ()) -> Judged:
    """Annotations with texts or with their lengths, whatever the order of the rows.

    Each row takes the difficulty of its own prompt. Only a file in official order that lacks up to
    three prompts takes difficulties by row, as upstream does.

    Args:
        rows: As published.
        baseline: Whose answers the candidate's were compared with.
        order: The instructions in published order; rows that hold their places need none.

    Raises:
        DataError: The rows are of another baseline or benchmark, of several models or judges,
            repeat an instruction, or hold a preference or a length outside its range.
    """
    _check_all(rows, "generator_1", baseline)
    _check_all(rows, "annotator", str(rows[0].get("annotator")))
    _check_all(rows, "generator_2", str(rows[0].get("generator_2")))
    place_N = _places(rows, order)
    return Judged(
        np.array([fields.preference(row, number) for number, row in enumerate(rows)]),
        np.array([fields.length(row, number, "output_2") for number, row in enumerate(rows)]),
        np.array([fields.length(row, number, "output_1") for number, row in enumerate(rows)]),
        place_N,
        np.arange(len(rows)) if _lacks_a_few(place_N) else place_N,
    ).in_official_order()


def items(table: Judged) -> list[Item]:
    """Each row's prompt with its preference."""
    return [
        Item(f"alpaca_eval/{place}", None, "null in the file")
        if math.isnan(value)
        else Item(f"alpaca_eval/{place}", value, None)
        for place, value in zip(table.place_N.tolist(), table.preference_N.tolist(), strict=True)
    ]


def without_texts(raw: bytes, order: Sequence[str]) -> bytes:
    """Published annotations as JSON lines with the lengths of the texts in place of the texts.

    Args:
        raw: A published annotations.json.
        order: The instructions in published order; `instruction_index` is the place there.
    """
    rows = json.loads(raw)
    lines = [
        {
            "index": number,
            "instruction_index": place,
            **{key: row[key] for key in _KEPT},
            "len_output_1": len(row["output_1"]),
            "len_output_2": len(row["output_2"]),
        }
        for number, (row, place) in enumerate(zip(rows, _places(rows, order).tolist(), strict=True))
    ]
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


def _check_all(rows: Rows, key: str, expected: str) -> None:
    wrong = [number for number, row in enumerate(rows) if row.get(key) != expected]
    if wrong or not rows:
        came = repr(rows[wrong[0]].get(key)) if wrong else "no rows"
        raise DataError(
            f"expected '{key}' to be '{expected}' in every row, came {came}"
            f"{f' in row {wrong[0]}' if wrong else ''}; are these judgments of this benchmark, "
            f"of one model and by its official judge?"
        )


def _places(rows: Rows, order: Sequence[str]) -> NDArray[np.int64]:
    """Where each row's instruction stands in published order."""
    known = {instruction: place for place, instruction in enumerate(order)}
    places = [_place(row, number, known) for number, row in enumerate(rows)]
    seen: set[int] = set()
    for number, place in enumerate(places):
        if place in seen:
            raise DataError(
                f"expected each prompt once, row {number} repeats "
                f"{rows[number].get('instruction', place)!r:.60}; keep one judgment for each"
            )
        seen.add(place)
    return np.array(places, dtype=np.int64)


def _place(row: fields.Row, number: int, known: Mapping[str, int]) -> int:
    if "instruction" in row:
        place = known.get(fields.text(row, number, "instruction"))
    else:
        place = row.get("instruction_index")
    if type(place) is not int or place not in range(N_PROMPTS):
        raise DataError(
            f"expected instructions of AlpacaEval, came {row.get('instruction', place)!r:.60} in "
            f"row {number}; are these judgments of another benchmark?"
        )
    return place


def _lacks_a_few(place_N: NDArray[np.int64]) -> bool:
    return len(place_N) in _LACKING_A_FEW and bool((np.diff(place_N) > 0).all())
