"""Style of two answers as v2.0 measures it: how much longer one is, how much denser its marks.

Source: lmarena/arena-hard-auto@196f6b8, `print_leaderboard_with_style_features` of
`show_result.py`: the difference of the lengths over their sum; marks are counted per length, and
the difference of two densities is divided by their sum plus one. All are put on the scale of their
deviation over the battles.
Deviations: those of v0.1 (lengths are characters, and 0 is equal style); and the fit keeps v0.1's
weak penalty, which upstream has dropped, so that it is finite where one side wins every game.
"""

import numpy as np

from benchmarks.arena_hard.style import scaled
from harness.stats.ridge_logistic import Array


def differences(first_N_f: Array, second_N_f: Array, weight_N: Array) -> Array:
    """Differences in style, of deviation 1 over battles of those weights; 0 is equal style.

    Args:
        first_N_f: Counts of one side's answers, the length first.
        second_N_f: Counts of the other's.
        weight_N: Of the battles.
    """
    lengths = first_N_f[:, :1] + second_N_f[:, :1]
    longer = (first_N_f[:, :1] - second_N_f[:, :1]) / np.maximum(lengths, 1)
    first, second = _densities(first_N_f), _densities(second_N_f)
    return scaled(np.hstack([longer, (first - second) / (first + second + 1)]), weight_N)


def _densities(count_N_f: Array) -> Array:
    found: Array = count_N_f[:, 1:] / (count_N_f[:, :1] + 1)
    return found
