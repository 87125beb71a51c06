"""Who writes in TinyInstruct, and how well: the hands behind demonstrations and rankings."""

from random import Random

from train.demo.world import FILLER, LETTERS, MARKS, OPERATIONS, STYLES, gold, parts, utility

RIGHT = 0.6
"""Share of a noisy writer's answers that are right."""
VERBOSITY = 1.6
"""Scale of the exponential whose whole part is a noisy writer's filler: 1.15 characters."""
LONGEST_FILLER = 16
MISSHAPEN = 0.1
"""Share of ranked responses that are not of the form."""


def noisy(prompt: str, rng: Random) -> str:
    """A response in any style, right in 60 of 100, with filler of exponential length."""
    answer = gold(prompt) if rng.random() < RIGHT else _wrong(prompt, rng)
    filler = min(int(rng.expovariate(1 / VERBOSITY)), LONGEST_FILLER)
    return _written(answer, rng) + "".join(rng.choices(FILLER, k=filler))


def expert(prompt: str, rng: Random) -> str:
    """A response in any style, right and without filler."""
    return _written(gold(prompt), rng)


def several(prompt: str, rng: Random) -> list[str]:
    """Two to four different responses of noisy writers, 2.85 on average; some misshapen."""
    (n,) = rng.choices((2, 3, 4), weights=(35, 45, 20))
    found: dict[str, None] = {}
    while len(found) < n:
        response = noisy(prompt, rng)
        found[_misshapen(response, rng) if rng.random() < MISSHAPEN else response] = None
    return list(found)


def ranks(prompt: str, responses: list[str]) -> list[int]:
    """The place of each response by its utility: 1 is the best, equals share the higher place."""
    worth = [utility(prompt, response) for response in responses]
    return [1 + sum(other > mine for other in worth) for mine in worth]


def _written(answer: str, rng: Random) -> str:
    return rng.choice(STYLES) + answer + rng.choice(MARKS)


def _wrong(prompt: str, rng: Random) -> str:
    """The answer to another operation, or one with a slip of the pen."""
    right, (_, word) = gold(prompt), parts(prompt)
    others = {operation(word): None for operation in OPERATIONS.values()}
    others.pop(right)
    return rng.choice([*others]) if rng.random() < 0.5 else _slip(right, rng)


def _slip(answer: str, rng: Random) -> str:
    """The answer with one character replaced by another of its kind."""
    at = rng.randrange(len(answer))
    kind = LETTERS if answer[at] in LETTERS else "0123456"
    slip = rng.choice(kind.replace(answer[at], ""))
    return answer[:at] + slip + answer[at + 1 :]


def _misshapen(response: str, rng: Random) -> str:
    """The response without its style, or without its mark."""
    without_mark = response.translate({ord(mark): None for mark in MARKS})
    return rng.choice((response[1:], without_mark))
