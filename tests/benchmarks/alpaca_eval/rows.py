"""Rows of annotations.json in one line."""

from typing import Any

from benchmarks.alpaca_eval import ANNOTATOR_2, BASELINE_2


def row(number: int = 0, **changes: Any) -> dict[str, Any]:
    """A judgment of version 2.0, without the judge's raw answer."""
    return {
        "instruction": f"Q{number}",
        "generator_1": BASELINE_2,
        "output_1": "long answer",
        "generator_2": "mine",
        "output_2": "short",
        "annotator": ANNOTATOR_2.name,
        "preference": 1.25,
        **changes,
    }


def raw(logprob: Any = -0.25, **changes: Any) -> dict[str, Any]:
    """A judge's raw answer that says "M"."""
    likeliest = [{"token": "M", "logprob": logprob}, {"token": "m", "logprob": -1.5}]
    content = [{"token": "M", "logprob": -0.25, "top_logprobs": likeliest}]
    plain = {"text": "M", "finish_reason": "length", "total_tokens": 9.0}
    return {**plain, "logprobs": {"content": content}, **changes}
