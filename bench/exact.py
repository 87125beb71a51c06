"""Scores that need no judge: ROUGE-L against rouge_score, LMentry and Super-NI by the clock.

Run with the official files at hand: `ITERBENCH_ASSETS=DIR OMP_NUM_THREADS=1 python -m bench.exact`.
All times are of the process's CPU. The published LMentry scorers have no licence and are not timed
here: on a mix of such answers they read about 130 a second, on one core of the machine that reads
some 60,000 by ours.
"""

from collections.abc import Callable, Iterator, Sequence
from random import Random
from time import process_time

from rouge_score.rouge_scorer import RougeScorer

from benchmarks import super_ni
from benchmarks.lmentry import data, parity
from harness.commands.setting import Setting
from harness.judging import Matched
from harness.stats.rouge import best_rouge_l
from harness.types import Assets, Comparison, Generation, Response

PAIRS = 20_000
ANSWERS = 20_000
WHOLE = 119 * 100
ROUNDS = 3
VERBOSE = (
    "Sure! {} I hope that this answers your question; let me know if there is anything else.",
    """Let me think it through. {} That follows from how the words are spelled, letter by letter,
and from nothing else, so that the first and the last of them are not the same.""",
)


def seconds(call: Callable[[], object]) -> float:
    """The least CPU time of a few calls."""
    times = []
    for _ in range(ROUNDS):
        start = process_time()
        call()
        times.append(process_time() - start)
    return min(times)


def pairs(assets: Assets, random: Random) -> list[tuple[str, str]]:
    """Outputs of Super-NI's tasks, each with words left out or with another output."""
    instances = [one for task in super_ni.data.at_hand(assets) for one in task.instances]
    golds = [gold for one in instances for gold in one.golds]
    made = []
    for _ in range(PAIRS):
        gold = random.choice(golds)
        kept = " ".join(word for word in gold.split() if random.random() < 0.7)
        made.append((kept if random.random() < 0.5 else random.choice(golds), gold))
    return made


def answers(assets: Assets, random: Random) -> Iterator[tuple[data.Example, str]]:
    """Answers to LMentry, half of them terse and half verbose."""
    tried = [example for _, example in parity.tried(assets)]
    for _ in range(ANSWERS):
        example = random.choice(tried)
        answer = random.choice([*parity.trials(example)])
        shape = random.choice(VERBOSE) if random.random() < 0.5 else "{}"
        yield example, shape.format(answer)


def rouge(told: Sequence[tuple[str, str]]) -> None:
    """Prints both rates, their ratio, and the largest difference."""
    scorer = RougeScorer(["rougeL"], use_stemmer=True)

    def theirs() -> list[float]:
        return [scorer.score(gold, text)["rougeL"].fmeasure for text, gold in told]

    def ours() -> list[float]:
        return [best_rouge_l(text, [gold]) for text, gold in told]

    gaps = [abs(one - other) for one, other in zip(theirs(), ours(), strict=True)]
    slow, fast = seconds(theirs), seconds(ours)
    print(f"ROUGE-L, rouge_score: {len(told) / slow:9.0f} pairs/s")
    print(f"ROUGE-L, iterbench:   {len(told) / fast:9.0f} pairs/s {slow / fast:6.1f}x")
    print(f"ROUGE-L, largest difference of {len(told)} pairs: {max(gaps):.1e}")


def lmentry(told: Sequence[tuple[data.Example, str]]) -> None:
    """Prints how many answers are read a second."""
    took = seconds(lambda: [example.mark(answer) for example, answer in told])
    letters = sum(len(answer) for _, answer in told) / len(told)
    print(f"LMentry: {len(told) / took:.0f} answers/s, of {letters:.0f} letters in the mean")


def super_natural_instructions(assets: Assets) -> None:
    """Prints how long it takes to match and add up as many answers as the whole benchmark has."""
    prompts = super_ni.BENCHMARK.load(assets)
    judge = Matched(super_ni.matcher(assets))
    texts = [one.golds[0] for _, one in super_ni.asked(assets).values()]
    shifted = [*texts[7:], *texts[:7]]
    n = WHOLE // len(prompts) + 1
    shown = [
        Comparison(Generation(prompt, "bench", (Response(text),)))
        for prompt, text in list(zip(prompts, shifted, strict=True)) * n
    ][:WHOLE]
    took = seconds(lambda: super_ni.aggregate(judge(shown), assets))
    print(f"Super-NI: {len(shown)} answers scored in {took:.2f} s")


def main() -> None:
    """ROUGE-L, LMentry, Super-NI."""
    assets, random = Setting().library(), Random(0)
    rouge(pairs(assets, random))
    lmentry([*answers(assets, random)])
    super_natural_instructions(assets)


if __name__ == "__main__":
    main()
