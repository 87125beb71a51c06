"""A better judge asked about a few prompts corrects a cheap one's word on all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from harness.pipeline import Result
from harness.report.telling.cells import cell
from harness.report.telling.stopped import by_prompt
from harness.report.telling.tracks import is_mean
from harness.stats.prediction_powered import FEWEST, powered_mean
from harness.types import Item, Judge, Score, prompt_of

_FEWEST_OUTCOMES = 5
"""With fewer wins or losses a verdict at each end is counted too. 95 % intervals of published
judgments then cover; with a cheap judge that is right 95 % of the time 88 to 93 %, for what it gets
wrong may not be among the few."""
_FEW_OUTCOMES = (
    "gold: its verdicts are so near to 0 or 1 that the interval may be too short; ask it about more"
)


def gilded(result: Result, golden: Sequence[Item], judge: Judge) -> Result:
    """The result with the better judge's mean over all prompts as one more score.

    Args:
        result: Under the cheap judge.
        golden: The better judge's items, of prompts that were drawn at random.
        judge: The better one.
    """
    identity = {f"gold judge {key}": value for key, value in judge.identity.items()}
    asked = {"gold judge": judge.name, "gold prompts": str(len({prompt_of(i.id) for i in golden}))}
    return replace(
        result,
        scores=[*result.scores, gold_score(result, golden)],
        identity={**result.identity, **asked, **identity},
    )


def gold_score(result: Result, golden: Sequence[Item]) -> Score:
    """What the better judge would say of all prompts, by prediction-powered inference.

    The turns of a prompt count as their mean. Prompts that the cheap judge left unread are no part
    of it. Withheld below so few verdicts of the better judge that no interval is to be had.
    """
    cheap, gold = _by_prompt(result.items), _by_prompt(golden)
    known = [id_ for id_ in cheap if id_ in gold]
    asked = {prompt_of(item.id) for item in golden}
    left_out = len({prompt_of(item.id) for item in result.items}) - len(cheap)
    unit, metric = result.scores[0].unit, f"gold_{_mean_metric(result)}"
    if len(known) < FEWEST:
        return Score(metric, None, len(known), len(asked) - len(known), unit=unit)
    limits = (0.0, 1.0) if unit == "fraction" else (-np.inf, np.inf)
    is_near = unit == "fraction" and _is_near_an_edge(gold)
    found = powered_mean(
        np.array([*cheap.values()]),
        np.array([gold.get(id_, np.nan) for id_ in cheap]),
        limits if is_near else (),
    )
    value, low, high = np.clip((found.value, *found.interval), *limits)
    left = f"gold: of the {len(cheap)} prompts that the judge read" if left_out else ""
    near = _FEW_OUTCOMES if is_near else ""
    return Score(
        metric,
        float(value),
        len(known),
        len(asked) - len(known),
        (float(low), float(high)),
        unit=unit,
        doubts=tuple(filter(None, (left, near))),
    )


def _is_near_an_edge(gold: Mapping[str, float]) -> bool:
    """Whether so few verdicts are wins, or losses, that their mean is no normal variable."""
    return min(sum(gold.values()), len(gold) - sum(gold.values())) < _FEWEST_OUTCOMES


def _mean_metric(result: Result) -> str:
    one = cell(result.model, result)
    fitting = (score.metric for score in result.scores if is_mean(score, one))
    return next(fitting, "mean")


def _by_prompt(items: Sequence[Item]) -> Mapping[str, float]:
    return by_prompt([(prompt_of(item.id), item.value) for item in items])
