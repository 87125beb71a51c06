import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from random import Random
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ModelError, SpecError
from harness.models.hf import HuggingFace, build
from harness.models.scripted import Scripted
from harness.pipeline import answer
from harness.ranking import BestOf, preferences
from harness.store import Cached, Store
from harness.types import (
    UNWATCHED,
    Comparison,
    Decoding,
    Generation,
    Model,
    ModelOptions,
    Prompt,
    Verdict,
    Watch,
    close,
)
from tests import records
from tests.records import benchmark, generation

pytest_plugins = ["tests.tiny.fixtures"]
pytestmark = pytest.mark.usefixtures("own_cache")
SAMPLED = Decoding(max_tokens=9, temperature=1.0)
prompt = partial(records.prompt, decoding=SAMPLED)
WORTH = {"bad": 0.0, "fair": 1.0, "good": 2.0, "best": 4.0}


@dataclass
class Says:
    """A judge whose preference is a function of the two texts, the candidate's first."""

    value: Callable[[str, str], float | None]
    name: str = "judge"
    identity: dict[str, str] = field(default_factory=lambda: {"rule": "says"})
    asked: list[tuple[str, str]] = field(default_factory=list)
    calls: int = 0

    def __call__(self, comparisons: Sequence[Comparison], /) -> list[Verdict]:
        self.calls += 1
        return [Verdict(c, self.name, self._value(c)) for c in comparisons]

    def _value(self, shown: Comparison) -> float | None:
        assert shown.baseline is not None
        self.asked.append((shown.candidate.text, shown.baseline.text))
        return self.value(*self.asked[-1])


def by_worth(ours: str, theirs: str) -> float:
    """The first order favours nobody."""
    return 1 / (1 + math.exp(WORTH[theirs] - WORTH[ours]))


def group(*texts: str) -> list[Generation]:
    return [generation(text) for text in texts]


def table(value: Callable[[str, str], float | None], *texts: str) -> list[list[float]]:
    (matrix_K_K,) = preferences([group(*texts)], Says(value))
    rows: list[list[float]] = matrix_K_K.tolist()
    return rows


def test_a_preference_is_the_mean_of_both_orders() -> None:
    """P(a beats b) = (v_ab + 1 - v_ba) / 2 = (0.9 + 1 - 0.3) / 2 = 0.8."""
    said = {("a", "b"): 0.9, ("b", "a"): 0.3}
    expected = [[0.5, 0.8], [0.2, 0.5]]
    np.testing.assert_allclose(table(lambda *pair: said[pair], "a", "b"), expected)


def test_one_order_is_enough_when_the_other_is_unread() -> None:
    said = {("a", "b"): None, ("b", "a"): 0.3}
    expected = [[0.5, 0.7], [0.3, 0.5]]
    np.testing.assert_allclose(table(lambda *pair: said[pair], "a", "b"), expected)


def test_what_no_order_reads_is_not_a_number() -> None:
    np.testing.assert_equal(table(lambda *_: None, "a", "b"), [[0.5, np.nan], [np.nan, 0.5]])


def test_a_judge_that_prefers_a_position_prefers_no_response() -> None:
    assert table(lambda *_: 0.9, "a", "b") == [[0.5, 0.5], [0.5, 0.5]]


def test_equal_texts_tie_and_each_two_different_ones_are_asked_once_in_both_orders() -> None:
    judge = Says(by_worth)
    (matrix_K_K,) = preferences([group("bad", "good", "bad")], judge)
    assert sorted(judge.asked) == [("bad", "good"), ("good", "bad")]
    assert matrix_K_K[0, 2] == matrix_K_K[2, 0] == 0.5
    assert matrix_K_K[0].tolist() == matrix_K_K[2].tolist()


def test_the_judge_is_called_once_for_all_prompts() -> None:
    judge = Says(by_worth)
    sizes = [m.shape for m in preferences([group("bad", "good"), [], group("best")], judge)]
    assert (judge.calls, len(judge.asked), sizes) == (1, 2, [(2, 2), (0, 0), (1, 1)])


def test_the_same_texts_under_two_prompts_are_two_questions() -> None:
    judge = Says(by_worth)
    preferences([group("bad", "good"), group("bad", "good")], judge)
    assert len(judge.asked) == 4


def test_a_refusal_is_compared_with_nothing_and_is_no_empty_text() -> None:
    judge = Says(lambda *_: 1.0)
    mixed = [generation(failure="too long"), generation(""), generation(failure="too long")]
    (matrix_K_K,) = preferences([mixed], judge)
    assert judge.asked == []
    np.testing.assert_equal(matrix_K_K, np.where(np.eye(3), 0.5, np.nan))


def test_conversations_that_end_alike_are_not_equal() -> None:
    judge = Says(lambda *_: 0.5)
    preferences([[generation("a", "same"), generation("b", "same")]], judge)
    assert len(judge.asked) == 2


@pytest.mark.parametrize("value", [-0.1, 4.0, math.nan])
def test_a_rating_is_no_preference(value: float) -> None:
    with pytest.raises(
        ModelError, match=r"expected preferences in \[0, 1\] from the judge 'judge'"
    ):
        table(lambda *_: value, "a", "b")


@given(st.lists(st.sampled_from("abcd"), max_size=5), st.randoms(use_true_random=False))
def test_both_sides_of_a_preference_sum_to_one(texts: list[str], random: Random) -> None:
    values = {(a, b): random.random() for a in "abcd" for b in "abcd"}
    (matrix_K_K,) = preferences([group(*texts)], Says(lambda *pair: values[pair]))
    np.testing.assert_allclose(matrix_K_K + matrix_K_K.T, 1.0)


def sampling(*texts: str) -> Scripted:
    """A model whose k-th sample of any prompt is the k-th text."""
    return Scripted(lambda asked: texts[asked.decoding.sample], "model")


def best(*texts: str, value: Callable[[str, str], float | None] = by_worth) -> Generation:
    (chosen,) = BestOf(sampling(*texts), Says(value), len(texts)).generate([prompt("q")])
    return chosen


@dataclass
class Refusing:
    """A model that refuses the samples of these numbers."""

    refused: set[int]
    model: Model
    name: str = "model"
    identity: dict[str, str] = field(default_factory=dict)

    def generate(self, prompts: Sequence[Prompt], watch: Watch = UNWATCHED) -> list[Generation]:
        return [
            replace(one, responses=(), failure=f"refused {one.prompt.decoding.sample}")
            if one.prompt.decoding.sample in self.refused
            else one
            for one in self.model.generate(prompts)
        ]


@dataclass
class Seen:
    """A watch that remembers."""

    started_ids: list[str] = field(default_factory=list)
    finished_ids: list[str] = field(default_factory=list)

    def started(self, prompts: Sequence[Prompt], /) -> None:
        self.started_ids += [one.id for one in prompts]

    def finished(self, generations: Sequence[Generation], /) -> None:
        self.finished_ids += [one.prompt.id for one in generations]


def test_the_answer_is_the_sample_that_the_judge_prefers_to_the_others() -> None:
    assert best("fair", "best", "bad", "good").text == "best"


def test_a_response_that_beats_most_is_preferred_to_one_that_wins_once() -> None:
    """Means with the diagonal: a = (.5 + .6 + .6) / 3, b = (.5 + .4 + .7) / 3."""
    said = {("a", "b"): 0.6, ("a", "c"): 0.6, ("b", "c"): 0.7}
    chosen = best("c", "b", "a", value=lambda *two: said.get(two) or 1 - said[two[::-1]])
    assert chosen.text == "a"


def test_the_answer_is_to_the_prompt_as_it_was_asked() -> None:
    wrapped = BestOf(sampling("bad", "good"), Says(by_worth), 2)
    sampled = benchmark(load=lambda _: [prompt("q0"), prompt("q1")])
    answers = answer(sampled, wrapped, lambda *_: b"")  # type: ignore[arg-type]
    assert [one.text for one in answers.generations] == ["good", "good"]
    assert {one.model for one in answers.generations} == {"model best of 2"}


def test_samples_are_told_apart_and_those_of_a_sampled_prompt_are_its_own() -> None:
    model = sampling("bad", "good", "fair", "best")
    second = prompt("q", decoding=replace(SAMPLED, sample=1))
    answers = BestOf(model, Says(by_worth), 2).generate([prompt("q", decoding=SAMPLED), second])
    assert [asked.decoding.sample for asked in model.asked] == [0, 1, 2, 3]
    assert len({asked.id for asked in model.asked}) == 4
    assert [(one.prompt.decoding.sample, one.text) for one in answers] == [(0, "good"), (1, "best")]


def test_one_sample_is_the_answer_without_asking_a_judge() -> None:
    assert best("bad", value=lambda *_: pytest.fail("asked")).text == "bad"


def test_equal_samples_are_the_answer_without_asking_a_judge() -> None:
    assert best("bad", "bad", value=lambda *_: pytest.fail("asked")).text == "bad"


def test_refused_samples_leave_the_choice_to_the_others() -> None:
    model = Refusing({1}, sampling("bad", "best", "good"))
    (chosen,) = BestOf(model, Says(by_worth), 3).generate([prompt("q")])
    assert (chosen.text, chosen.failure) == ("good", None)


def test_a_prompt_whose_samples_are_all_refused_is_refused() -> None:
    model = Refusing({0, 1}, sampling("bad", "best"))
    (lost,) = BestOf(model, Says(by_worth), 2).generate([prompt("q")])
    assert (lost.prompt, lost.responses, lost.failure) == (prompt("q"), (), "refused 0")


def test_without_a_readable_comparison_no_sample_is_chosen() -> None:
    lost = best("bad", "best", "bad", value=lambda *_: None)
    assert lost.responses == ()
    assert lost.failure == "'judge' could not compare any two of 3 responses"


def test_a_response_that_was_compared_with_nothing_is_not_chosen() -> None:
    chosen = best("c", "a", "b", value=lambda *two: None if "c" in two else 0.5)
    assert chosen.text == "a"


def test_a_watch_sees_each_prompt_start_once_and_its_answer_once() -> None:
    seen, asked = Seen(), [prompt("q"), prompt("r")]
    BestOf(sampling("bad", "good"), Says(by_worth), 2).generate(asked, seen)
    assert (seen.started_ids, seen.finished_ids) == (["q", "r"], ["q", "r"])


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "store.sqlite") as store:
        yield store


def test_a_prompt_whose_samples_are_stored_does_not_start(store: Store) -> None:
    model, seen = sampling("bad", "good"), Seen()
    wrapped = BestOf(Cached(model, store, "run"), Says(by_worth), 2)
    first = wrapped.generate([prompt("q")])
    assert wrapped.generate([prompt("q")], seen) == first
    assert len(model.asked) == 2
    assert (seen.started_ids, seen.finished_ids) == ([], ["q"])


def test_the_choice_itself_can_be_stored(store: Store) -> None:
    judge = Says(by_worth)
    kept = Cached(BestOf(sampling("bad", "good"), judge, 2), store, "run")
    assert kept.generate([prompt("q")]) == kept.generate([prompt("q")])
    assert judge.calls == 1


def test_the_identity_tells_model_judge_and_number() -> None:
    wrapped = BestOf(sampling("bad"), Says(by_worth), 16)
    assert wrapped.identity == {"model": "model", "judge rule": "says", "best of": "16"}


def test_closing_it_closes_the_model(checkpoint: Path) -> None:
    with patch.object(HuggingFace, "close") as closed:
        close(BestOf(build(f"hf:{checkpoint}", ModelOptions()), Says(by_worth), 2))
    closed.assert_called_once()


def test_real_samples_are_judged_and_one_of_them_comes_back(model: HuggingFace) -> None:
    asked = prompt("q", decoding=SAMPLED)
    samples = [replace(asked, decoding=replace(SAMPLED, sample=k)) for k in range(4)]
    texts = [one.text for one in model.generate(samples)]
    judge, seen = Says(lambda ours, theirs: float(ours > theirs)), Seen()
    (chosen,) = BestOf(replace(model, batch_size=1), judge, 4).generate([asked], seen)
    assert chosen.text == max(texts)
    assert seen.started_ids == ["q"]


def test_samples_that_would_all_be_the_same_are_not_asked_for() -> None:
    with pytest.raises(SpecError, match="expected a temperature above 0 for the best of 2"):
        BestOf(sampling("bad"), Says(by_worth), 2).generate([records.prompt("q")])
