"""ROUGE-L and exact match, the best over the right outputs: means over instances, as upstream.

Source: arXiv 2204.07705, section 5; src/compute_metrics.py of Tk-Instruct. Intervals are over
tasks, since the instances of a task have their definition in common.
"""

import string
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from benchmarks.super_ni.data import Instance, Task
from harness.stats.clustered import clustered_mean
from harness.stats.rouge import best_rouge_l
from harness.types import Score

METRICS = ("rouge_l", "exact_match")
_BARE = str.maketrans("", "", string.punctuation)


class Scored(NamedTuple):
    """An answer's values; None is unread."""

    task: Task
    rouge_l: float | None
    exact_match: float | None


def rouge_l(instance: Instance, answer: str) -> float:
    """The highest ROUGE-L of an answer over the right outputs, words stemmed."""
    return best_rouge_l(answer, instance.golds)


def exact_match(instance: Instance, answer: str) -> float:
    """1 if the answer is a right output, case, punctuation and spacing aside."""
    return float(_bare(answer) in {_bare(gold) for gold in instance.golds})


def _bare(text: str) -> str:
    return " ".join(text.lower().translate(_BARE).split())


def scores(scored: Sequence[Scored], n_tasks: int) -> list[Score]:
    """Both metrics over all, then by category, then by task.

    Args:
        scored: Every answer.
        n_tasks: Tasks of the whole benchmark.
    """
    whole = [_score(metric, metric, scored) for metric in METRICS]
    whole[0] = replace(whole[0], doubts=_doubts({one.task.name for one in scored}, n_tasks))
    return [*whole, *_parts(scored, _category), *_parts(scored, _category_and_task)]


def _category(one: Scored) -> str:
    return one.task.category


def _category_and_task(one: Scored) -> str:
    return f"{one.task.category}/{one.task.name}"


def _parts(scored: Sequence[Scored], part: Callable[[Scored], str]) -> Iterable[Score]:
    parts: defaultdict[str, list[Scored]] = defaultdict(list)
    for one in scored:
        parts[part(one)].append(one)
    return [
        _score(metric, f"{metric}/{name}", some)
        for metric in METRICS
        for name, some in sorted(parts.items())
    ]


def _score(field: str, metric: str, scored: Sequence[Scored]) -> Score:
    values = [(getattr(one, field), one.task.name) for one in scored]
    read = [(value, task) for value, task in values if value is not None]
    n, n_unread = len(read), len(values) - len(read)
    total = sum(value for value, _ in read)
    bounds = (total / len(values), (total + n_unread) / len(values)) if n_unread else None
    if not read:
        return Score(metric, None, 0, n_unread, bounds=bounds)
    mean = clustered_mean([value for value, _ in read], [task for _, task in read], (0.0, 1.0))
    return Score(metric, mean.value, n, n_unread, mean.interval, mean.standard_error, bounds)


def _doubts(tasks: set[str], n_tasks: int) -> tuple[str, ...]:
    if len(tasks) == n_tasks:
        return ()
    return (f"partial: {len(tasks)} of the {n_tasks} test tasks, not comparable with the whole",)
