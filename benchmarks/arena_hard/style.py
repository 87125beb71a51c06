"""Style of two answers: how much longer one is, and how much more marked up.

Source: lmarena/arena-hard-auto@0489bf3, `add_markdown_info.py` and `construct_style_matrices` of
`utils_math.py`: headers, lists and bold text outside code blocks are counted; each difference of
two counts is divided by their sum plus one, and by its deviation over the battles.
Deviations: lengths are characters, where upstream counts tokens of gpt-3.5-turbo's encoding; and
upstream also takes the mean over the battles of all models of a board from each difference. With
one model alone that would leave its own usual style in place, so here 0 is equal style.
"""

import re

import numpy as np

from harness.stats.ridge_logistic import Array

FEATURES = ("length", "headers", "lists", "bold")

_CODE = re.compile(r"```([^`]*)```")
_MARKS = (
    re.compile(r"^#{1,6}\s", re.MULTILINE),
    re.compile(r"^\s*(?:\d+\.|[-*+])\s", re.MULTILINE),
    re.compile(r"\*\*[^*\n]+\*\*|__[^_\n]+__"),
)


def counts(text: str) -> tuple[int, ...]:
    """Length, headers, list items and bold passages of an answer."""
    prose = text
    for block in _CODE.findall(text):
        # Everywhere, as upstream does: a block of one newline joins all lines, and is counted so.
        prose = prose.replace(block, "")
    return len(text), *(len(mark.findall(prose)) for mark in _MARKS)


def differences(first_N_f: Array, second_N_f: Array, weight_N: Array) -> Array:
    """Differences in style, of deviation 1 over battles of those weights; 0 is equal style.

    A feature that differs alike in all battles says nothing of what it is worth: it is 0.

    Args:
        first_N_f: Counts of one side's answers.
        second_N_f: Counts of the other's.
        weight_N: Of the battles.
    """
    return scaled((first_N_f - second_N_f) / (first_N_f + second_N_f + 1), weight_N)


def scaled(ratio_N_f: Array, weight_N: Array) -> Array:
    """Differences on the scale of their deviation; 0 stays 0, and so is what never varies.

    Args:
        ratio_N_f: Of each battle, in each feature.
        weight_N: Of the battles.
    """
    centred = ratio_N_f - np.average(ratio_N_f, axis=0, weights=weight_N)
    spread = np.sqrt(np.average(centred**2, axis=0, weights=weight_N))
    varies = spread > 1e-12
    found: Array = np.where(varies, ratio_N_f / np.where(varies, spread, 1.0), 0.0)
    return found
