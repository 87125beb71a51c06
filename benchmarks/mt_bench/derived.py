"""Published judgments in the smaller forms whose hashes the catalogue pins."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from benchmarks.mt_bench.rubric import read_rating
from harness.rows import parse_rows
from harness.types import Assets, Decoding, Generation, Prompt, Response, Unread

_KEPT = ("question_id", "model", "judge", "turn", "judgment", "score", "tstamp")


def of_model(raw: bytes, _assets: Assets, model: str) -> bytes:
    """The rows of one model in a file of many."""
    return _lines(row for row in parse_rows(raw, model) if row["model"] == model)


def without_prompts(raw: bytes, _assets: Assets, model: str) -> bytes:
    """The rows of one model in a file of many, without what the judge was asked."""
    rows = (row for row in parse_rows(raw, model) if row["model"] == model)
    return _lines({key: row[key] for key in _KEPT} for row in rows)


def from_fasteval(raw: bytes, _assets: Assets, model: str) -> bytes:
    """A report of FastEval's as rows of FastChat's, each with the rating that upstream reads."""
    return _lines(
        {
            "question_id": int(row["question_id"]),
            "model": model,
            "turn": row["turn_number"] + 1,
            "judgment": row["judge_reply"],
            "score": _score(row["judge_reply"]),
        }
        for row in parse_rows(raw, model)
    )


def _score(reply: str) -> float:
    value = read_rating(Generation(Prompt("", (), Decoding(0)), "", (Response(reply),)))
    return -1 if isinstance(value, Unread) else value


def _lines(rows: Iterable[Mapping[str, Any]]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
