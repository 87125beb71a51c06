"""A better judge's word on a few prompts corrects a cheap judge's on all."""

import numpy as np
import numpy.typing as npt
import pytest

from benchmarks.alpaca_eval.columns import read_columns
from harness.commands.gold import gilded, gold_score
from harness.models.scripted import Scripted
from harness.pipeline import Result, sampled
from harness.rows import read_files
from harness.stats.prediction_powered import powered_mean
from harness.types import Assets, Item, Score
from tests.records import benchmark, judge, prompt, result

N = 200


def scored(values: list[float | None], unit: str = "fraction") -> Result:
    items = [Item(f"p/{n}", v, None if v is not None else "lost") for n, v in enumerate(values)]
    read = [value for value in values if value is not None]
    score = Score("win_rate", sum(read) / len(read), len(read), unit=unit)
    return result(score, items=items)


def golden(cheap: Result, shift: float, every: int = 4) -> list[Item]:
    """A judge who gives so much more, on every fourth prompt."""
    return [
        Item(i.id, None if i.value is None else i.value + shift, i.cause)
        for i in cheap.items[::every]
    ]


@pytest.fixture
def cheap() -> Result:
    return scored(np.random.default_rng(0).uniform(0.2, 0.6, N).tolist())


def test_a_judge_that_differs_by_a_constant_is_known_from_a_few_prompts(cheap: Result) -> None:
    score = gold_score(cheap, golden(cheap, 0.3))
    assert score.metric == "gold_win_rate"
    assert score.value == pytest.approx((cheap.scores[0].value or 0) + 0.3, abs=0.01)
    assert score.n == 50


def test_the_interval_is_shorter_than_of_the_few_alone(cheap: Result) -> None:
    few = golden(cheap, 0.3)
    said_N = np.array([item.value for item in few], float)
    alone = 2 * 1.96 * said_N.std(ddof=1) / len(few) ** 0.5
    low, high = gold_score(cheap, few).interval or (0, 1)
    assert high - low < 0.75 * alone


def test_turns_of_a_prompt_count_as_their_mean() -> None:
    items = [Item(f"p/{n}/turn-{t}", float(t), None) for n in range(20) for t in (1, 2)]
    rated = result(Score("score", 1.5, 40, unit="rating"), items=items)
    score = gold_score(rated, items[:24])
    assert (score.metric, score.value, score.n) == ("gold_score", 1.5, 12)


def test_prompts_that_the_cheap_judge_left_unread_are_no_part_of_it(cheap: Result) -> None:
    holed = scored([None, *(item.value for item in cheap.items[1:])])
    score = gold_score(holed, golden(cheap, 0.1))
    assert score.n == 49
    assert score.doubts == ("gold: of the 199 prompts that the judge read",)


def test_unread_gold_is_counted(cheap: Result) -> None:
    few = [*golden(cheap, 0.1)[:-1], Item(cheap.items[196].id, None, "no letter")]
    assert gold_score(cheap, few).n_unread == 1


def test_too_few_gold_verdicts_are_withheld(cheap: Result) -> None:
    score = gold_score(cheap, golden(cheap, 0.1)[:9])
    assert (score.value, score.interval, score.n) == (None, None, 9)


def test_a_fraction_stays_one(cheap: Result) -> None:
    assert (gold_score(cheap, golden(cheap, 0.9)).value or 0) <= 1


def test_the_result_names_the_better_judge(cheap: Result) -> None:
    made = gilded(
        cheap, golden(cheap, 0.1), judge("hf:gold", Scripted(lambda _: "1", name="hf:gold"))
    )
    assert made.identity["gold judge"] == "hf:gold"
    assert made.identity["gold prompts"] == "50"
    assert made.scores[0] == cheap.scores[0]


def test_prompts_are_drawn_by_a_seed_and_stay_in_order(official: Assets) -> None:
    whole = benchmark(load=lambda _: [prompt(f"{n:03}") for n in range(N)])
    ids = [one.id for one in sampled(whole, 30).load(official)]
    assert ids == sorted(ids)
    assert ids == [one.id for one in sampled(whole, 30).load(official)]
    assert ids != [one.id for one in sampled(whole, 30, seed=1).load(official)]


def test_a_benchmark_with_fewer_prompts_is_taken_whole(official: Assets) -> None:
    assert len(sampled(benchmark(), 30).load(official)) == 2


BASELINES = {"annotations_v1": "text_davinci_003", "annotations": "gpt4_1106_preview"}
Array = npt.NDArray[np.float64]


def published(folder: str, model: str, assets: Assets) -> Array:
    """A published judge's preferences by place, shape (805,); NaN where there is none."""
    (rows,) = read_files(f"asset:alpaca_eval/{folder}/{model}.jsonl", assets).values()
    table = read_columns(rows, BASELINES[folder])
    found_N = np.full(805, np.nan)
    found_N[table.place_N] = table.preference_N
    return found_N


def repeated(cheap_N: Array, gold_N: Array) -> tuple[float, float]:
    """How often intervals from 100 prompts cover the mean of all, and their length beside alone."""
    random, covered, lengths = np.random.default_rng(0), [], []
    for _ in range(500):
        asked_N = np.full(len(gold_N), np.nan)
        places = random.choice(len(gold_N), 100, replace=False)
        asked_N[places] = gold_N[places]
        found = powered_mean(cheap_N, asked_N)
        covered.append(found.interval[0] <= gold_N.mean() <= found.interval[1])
        lengths.append(np.ptp(found.interval) / np.ptp(found.alone))
    return float(np.mean(covered)), float(np.mean(lengths))


@pytest.mark.parametrize("model", ["claude-2", "gpt-3.5-turbo-0301"])
def test_on_two_published_judges_of_the_same_answers_it_covers_the_betters_mean(
    model: str, official: Assets
) -> None:
    """Gold is AlpacaEval 2.0's verdict on an answer, cheap is 1.0's on the same answer.

    They differ in their baselines too and hardly agree (correlations of 0.07 and 0.01), which may
    cost length and must not cost coverage. Of 500 intervals at 95 %, 99.9 % of the time 460 or more
    cover.
    """
    both = [published(folder, model, official) for folder in BASELINES]
    read_N = ~np.isnan(both[0] + both[1])
    covered, length = repeated(both[0][read_N], both[1][read_N])
    assert covered >= 0.92
    assert length < 1.05


@pytest.mark.parametrize("model", ["claude-2", "FuseChat-Qwen-2.5-7B-Instruct"])
def test_with_a_cheap_judge_that_agrees_it_is_shorter_and_still_covers(
    model: str, official: Assets
) -> None:
    """Cheap is the same judge's letter with every fifth turned round, as if it were noise."""
    gold_N = published("annotations", model, official)
    gold_N = gold_N[~np.isnan(gold_N)]
    letter_N = np.round(gold_N)
    letter_N[::5] = 1 - letter_N[::5]
    covered, length = repeated(letter_N, gold_N)
    assert covered >= 0.92
    assert length < 0.9


def test_a_mean_near_the_edge_is_doubted(cheap: Result) -> None:
    low = scored([item.value * 0.05 for item in cheap.items if item.value is not None])
    (doubt,) = gold_score(low, golden(low, 0.0)).doubts
    assert "so near to 0 or 1" in doubt


def test_a_mean_near_the_other_edge_is_doubted_too(cheap: Result) -> None:
    high = scored([1 - item.value * 0.05 for item in cheap.items if item.value is not None])
    (doubt,) = gold_score(high, golden(high, 0.0)).doubts
    assert "so near to 0 or 1" in doubt


def test_on_published_judges_it_covers_near_the_edge_too(official: Assets) -> None:
    """A model that wins 2.6 % of the time: of 100 gold verdicts hardly any is a win."""
    both = [published(folder, "alpaca-7b", official) for folder in BASELINES]
    read_N = ~np.isnan(both[0] + both[1])
    cheap_N, gold_N = (column[read_N] for column in both)
    cheap, random, covered = scored(cheap_N.tolist()), np.random.default_rng(0), 0
    for _ in range(300):
        places = random.choice(len(gold_N), 100, replace=False).tolist()
        few = [Item(f"p/{place}", float(gold_N[place]), None) for place in places]
        low, high = gold_score(cheap, few).interval or (1, 0)
        covered += low <= gold_N.mean() <= high
    assert covered >= 273  # binomial of 300 at 95 %: 273 or more in 99.9 % of the time
