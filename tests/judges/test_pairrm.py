import json
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import registry
from harness.errors import SpecError
from harness.models.local.pair_ranking import Scorer
from harness.models.pairrm import build
from harness.models.scripted import Scripted
from harness.ranking import preferences
from harness.types import Comparison, Generation, Judge, Model, ModelOptions, Prompt, Rubric, Unread
from judges.pairrm import PAIRRM, sigmoid
from tests.records import comparison, generation, judge, prompt, rubric
from tests.tiny.pair_ranker import make_pair_ranker

pytestmark = pytest.mark.usefixtures("own_cache")
pytest_plugins = ["tests.tiny.fixtures"]

Say = Callable[[str, str], float]
"""The logit of preferring the first text to the second."""


def longer(first: str, second: str) -> float:
    """Prefers length, and whoever is shown first by 0.5."""
    return len(first) - len(second) + 0.5


def scripted(say: Say) -> Scripted:
    return Scripted(lambda asked: repr(float(say(*json.loads(asked.turns[0])[1:]))))


def said(candidate: str, baseline: str, say: Say = longer) -> float | None:
    (verdict,) = judge("pairrm", scripted(say))([comparison(candidate, baseline)])
    return verdict.value


def test_both_orders_are_averaged_as_logits() -> None:
    """Shown first, "abc" has 2.5 against "a"; shown second, -(-1.5) = 1.5: the mean is 2."""
    assert said("abc", "a") == pytest.approx(1 / (1 + np.exp(-2)))


def test_the_baseline_is_shown_first_then_the_candidate() -> None:
    model = scripted(longer)
    judge("pairrm", model)([comparison("mine", "theirs", prompt("Why?"))])
    assert [json.loads(asked.turns[0]) for asked in model.asked] == [
        ["Why?", "theirs", "mine"],
        ["Why?", "mine", "theirs"],
    ]


def test_votes_are_what_each_order_says_of_the_candidate() -> None:
    """The candidate, shown second, has -(-1.5); shown first, 2.5."""
    (verdict,) = judge("pairrm:x", scripted(longer))([comparison("abc", "a")])
    assert [vote.value for vote in verdict.votes] == pytest.approx([sigmoid(1.5), sigmoid(2.5)])
    assert {vote.judge for vote in verdict.votes} == {verdict.judge} == {"pairrm:x"}


finite = st.floats(allow_nan=False, allow_infinity=False, width=32)


@given(finite, finite)
def test_what_one_side_gains_the_other_loses_to_the_last_bit(there: float, back: float) -> None:
    def say(first: str, _second: str) -> float:
        return there if first == "a" else back

    one, other = said("a", "b", say), said("b", "a", say)
    assert one is not None
    assert other == 1 - one


def test_equal_texts_are_a_tie_that_nobody_is_asked_about() -> None:
    model = scripted(longer)
    (verdict,) = judge("pairrm", model)([comparison("same", "same")])
    assert (verdict.value, model.asked) == (0.5, [])


@pytest.mark.parametrize(
    "text", ["nan", "inf", "-inf", "1e999", "", "first", "1,5", "0x1", "٣", "1_0"]
)
def test_anything_but_a_finite_logit_is_unread(text: str) -> None:
    assert isinstance(PAIRRM.read(generation(text)), Unread)


@pytest.mark.parametrize(("text", "value"), [("0.0", 0.5), ("-50", 1.0), ("1e3", 0.0), ("+0", 0.5)])
def test_a_logit_is_read_as_the_preference_for_the_second(text: str, value: float) -> None:
    assert PAIRRM.read(generation(text)) == pytest.approx(value)


@given(finite)
def test_every_number_that_a_backend_writes_is_read(logit: float) -> None:
    assert PAIRRM.read(generation(repr(logit))) == sigmoid(-logit)


def test_one_unread_order_makes_the_verdict_unread() -> None:
    model = Scripted(lambda asked: "1.0" if json.loads(asked.turns[0])[1] == "a" else "nan")
    (verdict,) = judge("pairrm", model)([comparison("a", "b")])
    assert (verdict.value, verdict.cause) == (None, "no logit: 'nan'")


def test_a_response_that_stands_alone_is_refused() -> None:
    with pytest.raises(SpecError, match=r"\(q0\); 'pairrm' gives no ratings: name another judge"):
        judge("pairrm", scripted(longer))([comparison("a", None)])


def test_a_missing_response_is_unread() -> None:
    lost = Comparison(generation(failure="too long"), generation("b"))
    (verdict,) = judge("pairrm", scripted(longer))([lost])
    assert (verdict.value, verdict.cause) == (None, "no response: too long")


def conversation(*texts: str) -> Generation:
    return generation(*texts, prompt=prompt("Add 2 and 2.", "And 3?"))


def asked(turn: int) -> list[str]:
    pair = Comparison(conversation("4", "7"), conversation("5", "8 {x}"), turn)
    texts: list[str] = json.loads(PAIRRM.ask(pair).turns[0])
    return texts


def test_a_first_turn_is_asked_about_alone() -> None:
    assert asked(0) == ["Add 2 and 2.", "5", "4"]


@pytest.mark.parametrize("turn", [1, -1])
def test_a_later_turn_is_asked_about_with_those_before_it(turn: int) -> None:
    assert asked(turn) == [
        "USER: Add 2 and 2.\nAssistant: <Response 1>\nUSER: And 3?\nAssistant: <Response 2>",
        "<Response 1>: 5\n<Response 2>: 8 {x}",
        "<Response 1>: 4\n<Response 2>: 7",
    ]


def test_the_report_tells_how_often_the_orders_disagree() -> None:
    """Only 0.5 of length apart, the place decides: one flip of two."""
    asking: Any = judge("pairrm", scripted(lambda a, b: 0.4 * (len(a) - len(b)) + 0.5))
    pairs = [comparison("ab", "a"), comparison("abcdef", "a")]
    (flips,) = asking.report(asking(pairs))
    assert (flips.metric, flips.value) == ("judge_flips", 0.5)


@pytest.mark.parametrize(
    ("name", "model"), [("pairrm", "pairrm:llm-blender/PairRM"), ("pairrm:./mine", "pairrm:./mine")]
)
def test_the_published_pair_ranker_is_meant_when_none_is_named(name: str, model: str) -> None:
    opened: list[str] = []

    def open_model(name: str, _rubric: Rubric) -> Model:
        opened.append(name)
        return scripted(longer)

    assert registry.judge(name, rubric(), open_model).name == name
    assert opened == [model]


def test_composed_with_others_it_is_asked_no_more() -> None:
    pairs = [comparison("abc", "a")]
    (plain,) = judge("pairrm", scripted(longer))(pairs)
    (both,) = judge("both:pairrm", scripted(longer))(pairs)
    assert both.value == plain.value


@pytest.fixture(scope="module")
def ranker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_pair_ranker(tmp_path_factory.mktemp("pairrm") / "ranker")


def real(folder: Path) -> Judge:
    def open_model(name: str, _rubric: Rubric) -> Model:
        return build(name, ModelOptions())

    return registry.judge(f"pairrm:{folder}", rubric(), open_model)


def groups(*questions: str) -> list[list[Generation]]:
    """Five responses to each question, two of them the same."""
    texts = ["a", "bb", "a longer one", "a", "!"]
    return [[generation(t + q, prompt=prompt(q)) for t in texts] for q in questions]


def test_all_pairs_of_a_group_take_one_forward_pass_of_each_order(
    ranker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four distinct responses to each of two questions: 12 ordered pairs each, and no 24."""
    forwarded: Counter[tuple[int, ...]] = Counter()
    forward = Scorer.__call__

    def counting(self: Scorer, rows: Sequence[Any]) -> list[float]:
        forwarded.update(tuple(row.ids) for row in rows)
        return forward(self, rows)

    monkeypatch.setattr(Scorer, "__call__", counting)
    preferences(groups("Q", "R"), real(ranker))
    assert len(forwarded) == 24
    assert set(forwarded.values()) == {1}


def test_the_matrix_is_the_sigmoid_of_both_orders_averaged(ranker: Path) -> None:
    (group,) = groups("Q")
    (matrix,) = preferences([group], real(ranker))
    model = build(f"pairrm:{ranker}", ModelOptions())
    for i, j in permutations(range(5), 2):
        s_ij, s_ji = (logit(model, "Q", group[a].text, group[b].text) for a, b in ((i, j), (j, i)))
        assert matrix[i, j] == pytest.approx(1 / (1 + np.exp(-(s_ij - s_ji) / 2)), abs=1e-5)
    assert (matrix + matrix.T == 1).all()
    assert matrix[0, 3] == 0.5
    assert np.ptp(matrix) > 0.02


def logit(model: Model, *pair: str) -> float:
    (answer,) = model.generate([Prompt("x", (json.dumps(pair),), PAIRRM.decoding)])
    return float(answer.text)
