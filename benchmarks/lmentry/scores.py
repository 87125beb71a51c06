"""Accuracy, robustness, and their product, of marks on LMentry's examples.

Accuracy is the mean of the 25 core tasks' accuracies. Robustness is the mean of four aspects, each
the mean, over its groups, of 1 minus the widest gap between the accuracies of a group:

* argument order: a task's examples by where the answer stands, for the 7 tasks that offer two
  things;
* argument content: the variants of a task, for 6 tasks;
* template: a task's examples by their wording, for the 25 tasks;
* adjacent tasks: pairs of tasks of which who can do one should be able to do the other.

Upstream rounds on the way: accuracies of tasks to 0.01 points, of wordings and robustness to 0.1.
Here nothing is rounded, so that the published digits agree to about 0.1 points.

Source: arXiv 2211.02069, sections 4 and 5;
https://github.com/aviaefrat/lmentry/tree/646ae9080dad00a194fa32cb0f330d7acf3ce60c/lmentry/analysis
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.lmentry.data import CORE, TASKS, VARIANTS, Example
from harness.types import Score

ASPECTS = ("argument_order", "argument_content", "template", "adjacent_tasks")
METRICS = ("lmentry_score", "accuracy", "robustness", *ASPECTS, "certainty")
ORDERED = (
    "more_letters",
    "less_letters",
    "first_alphabetically",
    "rhyming_word",
    "homophones",
    "bigger_number",
    "smaller_number",
)
"""Tasks that offer two things, in either order."""
ADJACENT = (
    ("bigger_number", "smaller_number"),
    ("more_letters", "less_letters"),
    ("word_after", "word_before"),
    ("most_associated_word", "least_associated_word"),
    ("any_words_from_category", "all_words_from_category"),
    ("sentence_containing", "sentence_not_containing"),
    ("word_containing", "word_not_containing"),
    ("starts_with_word", "starts_with_letter"),
    ("ends_with_word", "ends_with_letter"),
    ("sentence_containing", "word_containing"),
    ("sentence_not_containing", "word_not_containing"),
    ("first_word", "first_letter"),
    ("last_word", "last_letter"),
    ("starts_with_word", "ends_with_word"),
    ("starts_with_letter", "ends_with_letter"),
    ("first_word", "last_word"),
    ("first_letter", "last_letter"),
)
_DRAWS, _SEED = 1000, 1407
_Z = NormalDist().inv_cdf(0.975)


class Marked(NamedTuple):
    """An answer's mark, or why there is none."""

    example: Example
    value: float | None
    """1 is right; None is unread."""
    certainty: int
    """1 where the scorer is certain of the value."""


class _Cell(NamedTuple):
    """Examples that only differ in their words."""

    task: str
    template: int
    place: int


_Of = Callable[[_Cell], bool]
Rates = NDArray[np.float64]
"""An accuracy for each draw, [R]."""


class _Cells:
    """How many answers of each cell are right, in each of several draws."""

    def __init__(self, n: Mapping[_Cell, int], right_R_C: NDArray[np.int64]) -> None:
        self._cells = list(n)
        self._n_C = np.array([n[cell] for cell in self._cells])
        self._right_R_C = right_R_C

    def rate(self, task: str, of: _Of = lambda _: True) -> Rates | None:
        """The accuracy on a task's examples; None where there are none."""
        chosen = [i for i, c in enumerate(self._cells) if c.task == task and of(c)]
        if not chosen:
            return None
        rate_R: Rates = self._right_R_C[:, chosen].sum(axis=1) / self._n_C[chosen].sum()
        return rate_R

    def values(self) -> dict[str, Rates]:
        """Every metric but certainty, for each draw; what there are no examples of is left out."""
        rates = {task: self.rate(task) for task in TASKS}
        accuracy = _mean([rates[task] for task in CORE])
        groups = {
            "argument_order": [self._by(t, lambda c: c.place, 2) for t in ORDERED],
            "argument_content": [
                [rates[f"{core}_{kind}"] for kind in kinds] for core, kinds in VARIANTS.items()
            ],
            "template": [self._by(task, lambda c: c.template, 3) for task in CORE],
            "adjacent_tasks": [[rates[one], rates[other]] for one, other in ADJACENT],
        }
        aspects = {name: _mean([_steady(group) for group in groups[name]]) for name in ASPECTS}
        robustness = _mean(list(aspects.values()))
        product = None if accuracy is None or robustness is None else accuracy * robustness
        main = {"lmentry_score": product, "accuracy": accuracy, "robustness": robustness}
        parts = {f"accuracy/{task}": rate for task, rate in rates.items()}
        named = {**main, **aspects, **parts}
        return {name: value for name, value in named.items() if value is not None}

    def _by(self, task: str, key: Callable[[_Cell], int], n: int) -> list[Rates | None]:
        def of(kind: int) -> _Of:
            return lambda cell: key(cell) == kind

        return [self.rate(task, of(kind)) for kind in range(n)]


def _mean(values: Sequence[Rates | None]) -> Rates | None:
    known = [value for value in values if value is not None]
    if not known:
        return None
    mean_R: Rates = np.mean(known, axis=0)
    return mean_R


def _steady(group: Sequence[Rates | None]) -> Rates | None:
    """1 minus the widest gap of a group; None where one of its accuracies is lacking."""
    known = [rate for rate in group if rate is not None]
    return 1 - np.ptp(known, axis=0) if len(known) == len(group) else None


def scores(marked: Sequence[Marked]) -> list[Score]:
    """Every metric with its interval, over all answers that were read; then each task's accuracy.

    An interval is that of the value's standard error over draws of each cell's examples anew.
    """
    read = [one for one in marked if one.value is not None]
    known = _drawn(read) if read else {}
    told = [_score(name, known.get(name), marked) for name in METRICS if name != "certainty"]
    certain = sum(one.certainty for one in read) / len(read) if read else None
    told.append(Score("certainty", certain, len(read), len(marked) - len(read)))
    told[0] = replace(told[0], doubts=_doubts({one.example.task for one in read}))
    tasks = _by_task(marked)
    return told + [
        _score(f"accuracy/{task}", known.get(f"accuracy/{task}"), some)
        for task, some in tasks.items()
    ]


def _drawn(read: Sequence[Marked]) -> dict[str, tuple[float, float]]:
    """Each metric's value and its standard error."""
    n = Counter(map(_cell, read))
    right = Counter(_cell(one) for one in read if one.value)
    n_C, right_C = np.array([*n.values()]), np.array([right[cell] for cell in n])
    drawn_R_C = np.random.default_rng(_SEED).binomial(n_C, right_C / n_C, (_DRAWS, len(n_C)))
    values, draws = _Cells(n, right_C[None]).values(), _Cells(n, drawn_R_C).values()
    return {name: (float(values[name][0]), float(draws[name].std(ddof=1))) for name in values}


def _score(metric: str, known: tuple[float, float] | None, marked: Sequence[Marked]) -> Score:
    n = sum(one.value is not None for one in marked)
    n_unread = len(marked) - n
    bounds = _bounds(marked) if n_unread and metric.startswith("accuracy/") else None
    if known is None:
        return Score(metric, None, n, n_unread, bounds=bounds)
    value, error = known
    interval = max(0.0, value - _Z * error), min(1.0, value + _Z * error)
    return Score(metric, value, n, n_unread, interval, error, bounds)


def _bounds(marked: Sequence[Marked]) -> tuple[float, float]:
    """The accuracy if every unread answer were wrong, or right."""
    right = sum(one.value or 0 for one in marked)
    unread = sum(one.value is None for one in marked)
    return right / len(marked), (right + unread) / len(marked)


def _by_task(marked: Sequence[Marked]) -> dict[str, list[Marked]]:
    tasks: defaultdict[str, list[Marked]] = defaultdict(list)
    for one in marked:
        tasks[one.example.task].append(one)
    return tasks


def _doubts(tasks: set[str]) -> tuple[str, ...]:
    absent = [task for task in TASKS if task not in tasks]
    return (f"{len(absent)} of the {len(TASKS)} task files have no answer",) if absent else ()


def _cell(one: Marked) -> _Cell:
    return _Cell(one.example.task, one.example.template, one.example.place)
