import pytest

from harness.stats.prompt_bootstrap import Draws
from harness.trials.cases import Case, Pair, Trial
from harness.trials.hearing import Hearing, is_own
from harness.trials.people import PEOPLE
from harness.types import Response, Score, Usage, Verdict
from tests.records import generation, prompt, verdict

FEW = Draws(0, 20)


def duel(number: int, gold: float, *, longer: int = 1) -> Case:
    """An answer of ours, longer than the baseline's by so many characters."""
    asked = prompt(f"q{number}")
    ours = generation("x" * (5 + longer), prompt=asked, model="ours")
    return Case((generation("x" * 5, prompt=asked, model="base"), ours), (Pair(1, 0, gold),))


def hearing(cases: list[Case], values: list[float | None], **fields: object) -> Hearing:
    """What a judge said of these cases in one order."""
    shown = [
        c for case in cases for c in (case.alone() if fields.get("alone") else case.comparisons())
    ]
    verdicts = [
        Verdict(comparison, "judge", value, None if value is not None else "off form")
        for comparison, value in zip(shown, values, strict=True)
    ]
    plain: dict[str, object] = {"judge": "openai:judge", "verdicts": verdicts}
    trial = Trial("tiny", "Tiny", "openai:gold", lambda _: cases)
    return Hearing(trial, cases, **(plain | fields))  # type: ignore[arg-type]


def found(scores: list[Score]) -> dict[str, float | None]:
    return {score.metric: score.value for score in scores}


def test_verdicts_become_columns_in_the_order_of_the_cases() -> None:
    columns = hearing([duel(0, 1.0), duel(1, 0.0, longer=3)], [0.8, None]).rulings()
    assert columns.lead.tolist() == [1, 3]
    assert columns.gold.tolist() == [1, 0]
    assert columns.value.tolist()[0] == pytest.approx(0.8)
    assert columns.prompt.tolist() == [0, 1]


def test_unread_verdicts_are_counted_by_cause() -> None:
    heard = hearing([duel(0, 1.0), duel(1, 0.0)], [None, None])
    assert heard.causes() == {"off form": 2}


def test_flips_are_measured_where_both_orders_were_asked() -> None:
    cases = [duel(0, 1.0), duel(1, 1.0)]
    back = [verdict(value) for value in (0.9, 0.1)]
    assert found(hearing(cases, [0.9, 0.9], back=back).scores(FEW))["flips"] == 0.5
    assert "flips" not in found(hearing(cases, [0.9, 0.9]).scores(FEW))


def test_the_known_verdicts_of_people_have_no_order_and_no_certainty() -> None:
    heard = hearing([duel(0, 1.0), duel(1, 0.0)], [0.9, 0.1])
    by_people = hearing(list(heard.cases), [0.9, 0.1])
    object.__setattr__(by_people, "trial", Trial("t", "T", PEOPLE, lambda _: []))
    assert {"first_slot", "saturation"} <= found(heard.gold_scores(FEW)).keys()
    assert not {"first_slot", "saturation"} & found(by_people.gold_scores(FEW)).keys()


def test_three_answers_to_a_prompt_are_ranked() -> None:
    asked = prompt("q")
    answers = tuple(generation(text, prompt=asked, model=text) for text in "abc")
    pairs = (Pair(0, 1, 1.0), Pair(0, 2, 1.0), Pair(1, 2, 1.0))
    scores = found(hearing([Case(answers, pairs)], [0.9, 0.8, 0.3]).scores(FEW))
    assert scores["exact_match"] == 0
    assert scores["kendall_tau_b"] == pytest.approx(1 / 3)


def test_a_judge_that_rates_is_held_against_known_preferences() -> None:
    cases = [duel(0, 1.0), duel(1, 0.0)]
    scores = found(hearing(cases, [2, 5, 1, 4], alone=True).scores(FEW))
    assert scores["pairwise_accuracy"] == 0.5
    assert scores["five_best"] == 1
    assert "exact" not in scores


def test_a_judge_that_rates_is_held_against_known_ratings() -> None:
    asked = prompt("q")
    answers = generation("a", prompt=asked), generation("b", prompt=asked)
    scores = found(hearing([Case(answers, ratings=(7, 9))], [7, 8], alone=True).scores(FEW))
    assert (scores["exact"], scores["rating_difference"]) == (0.5, -0.5)


def test_a_thousand_verdicts_are_priced_with_all_the_votes_behind_them() -> None:
    # gpt-4o: 2.5 and 10 USD for a million; 1000 and 100 tokens are 0.0035 USD, two votes 0.007.
    said = generation("m", model="openai:gpt-4o")
    response = Response("m", usage=Usage(1000, 100))
    raw = type(said)(said.prompt, said.model, (response,))
    vote = verdict(1.0, raw=raw)
    heard = hearing([duel(0, 1.0)], [1.0], verdicts=[verdict(1.0, votes=(vote, vote))])
    assert found(heard.scores(FEW))["usd_per_1000"] == pytest.approx(7)


def test_a_price_that_is_not_known_is_not_told() -> None:
    raw = generation("m", model="http://127.0.0.1:1/v1#mine")
    heard = hearing([duel(0, 1.0)], [1.0], verdicts=[verdict(1.0, raw=raw)])
    assert "usd_per_1000" not in found(heard.scores(FEW))


@pytest.mark.parametrize(
    ("system", "judge", "own"),
    [
        ("gpt4_1106_preview", "openai:gpt-4-1106-preview", True),
        ("iter1", "both:hf:./iter1", True),
        ("claude-2", "jury:openai:gpt-4,anthropic:claude-2", True),
        ("gpt4", "openai:gpt-4-1106-preview", False),
        ("", "openai:gpt-4", False),
    ],
)
def test_a_judge_knows_its_own_model_under_another_spelling(
    system: str, judge: str, own: bool
) -> None:
    assert is_own(system, judge) is own
