"""What documents are worth by lm-eval's own metrics, and what they add up to."""

from collections.abc import Mapping, Sequence
from math import sqrt
from statistics import NormalDist, fmean
from typing import Any, NamedTuple

from harness.lm_eval.asking import Document, answered
from harness.types import Generation, Score

Measures = Mapping[tuple[str, str], Any]
"""Of one document, by metric and filter."""

_Z = NormalDist().inv_cdf(0.975)


class Measured(NamedTuple):
    """One metric of one task, or of several."""

    value: float | None
    """None if no document was answered."""
    error: float | None
    """Standard error; None if lm-eval has none for the metric, or there are too few documents."""
    bounds: tuple[float, float] | None
    """Had the documents without an answer all been wrong, or right; None is not known."""
    n: int
    """Documents that entered the value."""
    n_unread: int


def measure(document: Document, generations: Sequence[Generation]) -> Measures:
    """A document's metrics, for an answer to each of its prompts.

    Raises:
        DataError: The answers are not to these prompts.
    """
    instances: dict[int, Any] = {}
    results: dict[int, list[Any]] = {}
    for asked, generation in zip(document.asked, generations, strict=True):
        pairs = zip(asked.instances, answered(asked, generation), strict=True)
        for instance, result in pairs:
            instances[id(instance)] = instance
            results.setdefault(id(instance), []).append(result)
    ordered = sorted(instances.values(), key=lambda one: one.idx)
    for one in ordered:
        one.resps, one.filtered_resps = results[id(one)], {}
    return _measures(document.task, ordered)


def _measures(task: Any, instances: Sequence[Any]) -> Measures:
    task._instances = list(instances)  # noqa: SLF001 - lm-eval filters these and takes no others
    task.apply_filters()
    return {
        (metric, name): value
        for name in instances[0].filtered_resps
        for metric, value in task.process_results(
            instances[0].doc, [one.filtered_resps[name] for one in instances]
        ).items()
    }


def summed(task: Any, metric: str, values: Sequence[Any], n_unread: int) -> Measured:
    """A metric over a task's documents, with lm-eval's aggregation and standard error."""
    from lm_eval.api.metrics import mean, mean_stderr

    n = len(values)
    if not n:
        return Measured(None, None, (0.0, 1.0), 0, n_unread)
    aggregate = task.aggregation().get(metric, mean)
    value = float(aggregate(values))
    if aggregate is not mean:
        return Measured(value, None, None, n, n_unread)
    error = float(mean_stderr(values)) if n > 1 else None
    asked = n + n_unread
    bounds = (value * n / asked, (value * n + n_unread) / asked)
    return Measured(value, error, bounds, n, n_unread)


def averaged(parts: Sequence[Measured]) -> Measured:
    """The plain mean of several, as of independent samples."""
    k, n = len(parts), sum(part.n for part in parts)
    values = [part.value for part in parts if part.value is not None]
    errors = [part.error for part in parts if part.error is not None]
    bounds = [part.bounds for part in parts if part.bounds is not None]
    return Measured(
        fmean(values) if len(values) == k else None,
        sqrt(sum(error**2 for error in errors)) / k if len(errors) == k else None,
        (fmean(low for low, _ in bounds), fmean(high for _, high in bounds))
        if len(bounds) == k
        else None,
        n,
        sum(part.n_unread for part in parts),
    )


def score(name: str, measured: Measured, doubts: Sequence[str]) -> Score:
    """The score of that name, with the normal 95 % interval."""
    value, error = measured.value, measured.error
    is_share = measured.bounds is not None and (value is None or 0 <= value <= 1)
    interval = None
    if value is not None and error is not None:
        low, high = value - _Z * error, value + _Z * error
        interval = (max(0.0, low), min(1.0, high)) if is_share else (low, high)
    return Score(
        name,
        value,
        measured.n,
        measured.n_unread,
        interval=interval,
        standard_error=error,
        bounds=measured.bounds if measured.n_unread and is_share else None,
        unit="fraction" if is_share else "rating",
        doubts=tuple(doubts),
    )
