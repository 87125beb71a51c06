from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from harness.stats.marks import Marks, gold_marks_scores, marks_scores
from harness.stats.prompt_bootstrap import Draws
from harness.types import Score

NAN = float("nan")


def marks(value: Sequence[float], gold: Sequence[float], **columns: Any) -> Marks:
    """Two responses to each prompt, one from each of two systems, all of one length."""
    n = len(value)
    places = np.arange(n)
    plain: dict[str, Any] = {"prompt": places // 2, "system": places % 2, "length": [1.0] * n}
    asked = {"gold": gold, "value": value, "own": [0.0] * n} | plain | columns
    whole = ("prompt", "system")
    return Marks(
        **{key: np.array(asked[key], np.int64 if key in whole else float) for key in Marks._fields}
    )


def found(columns: Marks, *, rated: bool = True) -> dict[str, Score]:
    return {
        one.metric: one for one in marks_scores(columns, top=10, rated=rated, draws=Draws(0, 20))
    }


def test_ratings_are_compared_with_ratings() -> None:
    scores = found(marks([8, 9, 10, 3], [8, 7, 9, 3]))
    assert scores["exact"].value == 0.5
    assert scores["rating_difference"].value == pytest.approx(3 / 4)
    assert scores["rating_difference"].unit == "rating"


def test_standings_are_only_ranked() -> None:
    scores = found(marks([8, 9, 10, 3], [0, 1, 1, 0]), rated=False)
    assert scores["pairwise_accuracy"].value == 1
    assert not {"exact", "cohen_kappa", "rating_difference"} & scores.keys()


def test_the_best_rated_are_those_at_the_top_of_the_scale() -> None:
    scores = found(marks([10, 10, 10, 3], [1, 2, 2, 1]), rated=False)
    assert scores["top_best"].value == pytest.approx(2 / 3)
    assert scores["top_best"].n == 3


def test_a_judge_that_always_says_the_same_is_shown_as_such() -> None:
    scores = found(marks([5, 5, 5, 5], [1, 2, 3, 4]))
    assert [scores[m].value for m in ("ties", "saturation", "commonest")] == [1, 0, 1]


def test_longer_responses_win_by_rating_among_neighbours() -> None:
    scores = found(marks([3, 2, 4, 5], [1, 2, 1, 2], length=[90, 10, 80, 20]))
    assert scores["longer_wins"].value == 0.5


def test_self_preference_is_beyond_what_is_given_to_others() -> None:
    scores = found(marks([9, 6, 9, 6], [7, 5, 7, 5], own=[1, 0, 1, 0]))
    assert scores["self_preference"].value == pytest.approx(2 - 1)


def test_unread_ratings_are_counted() -> None:
    scores = found(marks([9, NAN, 9, 6], [9, 5, 7, 5]))
    assert (scores["exact"].n, scores["exact"].n_unread) == (3, 1)
    assert (scores["pairwise_accuracy"].n, scores["pairwise_accuracy"].n_unread) == (1, 1)


def test_known_ratings_have_ties_of_their_own() -> None:
    columns = marks([1, 2, 3, 4], [10, 10, 9, 3])
    scores = {
        one.metric: one.value for one in gold_marks_scores(columns, top=10, draws=Draws(0, 20))
    }
    assert (scores["ties"], scores["saturation"]) == (0.5, 0.5)
