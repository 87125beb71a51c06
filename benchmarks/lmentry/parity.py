"""Marks against those of the published scorers, on answers that are made from the examples.

There are no published predictions to recompute a published score from. So the published scorers
were run once, at the commit that the card names, on the answers that `trials` makes; how many they
found right, and of how many they were certain, is recorded here task by task.
"""

from collections.abc import Iterator, Mapping

from benchmarks.lmentry.data import TASKS, VARIED, Example, asset, read_task
from harness.types import Assets, Check

_EXAMPLES = 40
"""Of each file, spread evenly over it."""
_SHAPES = (
    "{}",
    '"{}".',
    "The answer is {}",
    'The word "{}" is the answer.',
    "Sure! It is {}, I think.",
    "{} is first, longer, shorter and bigger.",
)
_ROLES = ("answer", "distractor", "query", "word", "letter", "category", "sentence")
_FIXED = ("", "Yes.", "no, the list is longer than that", "苹果", "apple is a word", "...")

RECORDED: Mapping[str, tuple[int, int, int]] = {
    "sentence_containing": (480, 200, 480),
    "sentence_not_containing": (480, 80, 440),
    "word_containing": (480, 57, 57),
    "word_not_containing": (480, 35, 75),
    "most_associated_word": (720, 160, 640),
    "least_associated_word": (720, 160, 640),
    "any_words_from_category": (1920, 320, 320),
    "all_words_from_category": (1920, 320, 320),
    "first_alphabetically": (3600, 1200, 1600),
    "more_letters": (2160, 600, 840),
    "less_letters": (2160, 600, 840),
    "bigger_number": (720, 200, 280),
    "smaller_number": (720, 200, 280),
    "rhyming_word": (2880, 360, 960),
    "homophones": (960, 80, 800),
    "word_after": (960, 167, 720),
    "word_before": (960, 166, 720),
    "starts_with_word": (480, 80, 320),
    "ends_with_word": (480, 40, 280),
    "starts_with_letter": (480, 14, 241),
    "ends_with_letter": (480, 18, 238),
    "first_word": (720, 200, 387),
    "last_word": (720, 200, 400),
    "first_letter": (720, 160, 597),
    "last_letter": (720, 160, 600),
}
"""By core task, its variants included: trials, how many are right, of how many that is certain."""


def trials(example: Example) -> Iterator[str]:
    """Answers to an example: its own words in some shapes, and some that are always the same."""
    yield from _FIXED
    for role in _ROLES:
        if role in example.facts:
            yield from (shape.format(example.facts[role]) for shape in _SHAPES)


def tried(assets: Assets) -> Iterator[tuple[str, Example]]:
    """The examples that are tried, with their core task."""
    for task in TASKS:
        made = read_task(task, assets.read(asset(task)))
        n = min(_EXAMPLES, len(made))
        yield from ((VARIED.get(task, task), made[i * len(made) // n]) for i in range(n))


def verify(assets: Assets) -> list[Check]:
    """Counts of right and of certain marks, against the recorded ones."""
    counts: dict[str, tuple[int, int, int]] = dict.fromkeys(RECORDED, (0, 0, 0))
    for task, example in tried(assets):
        for answer in trials(example):
            (n, right, certain), mark = counts[task], example.mark(answer)
            counts[task] = n + 1, right + mark.score, certain + mark.certainty
    return [_check("right", 1, counts), _check("certain", 2, counts)]


def _check(what: str, field: int, counts: Mapping[str, tuple[int, int, int]]) -> Check:
    gaps = {task: abs(counts[task][field] - RECORDED[task][field]) for task in RECORDED}
    worst = max(gaps, key=lambda task: gaps[task])
    n = sum(count[0] for count in counts.values())
    return Check(
        f"answers that are {what}, by task", n, gaps[worst], 0, worst if gaps[worst] else ""
    )
