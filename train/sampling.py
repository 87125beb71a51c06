"""Several responses of a model to each prompt."""

from collections.abc import Sequence
from dataclasses import replace

from harness.errors import DataError
from harness.types import Comparison, Decoding, Generation, Model, Prompt, Response
from train.examples import Answer


def sampled(
    model: Model, prompts: Sequence[str], decoding: Decoding, n: int
) -> list[list[Generation]]:
    """The model's n responses to each prompt, in order, from one call.

    Raises:
        DataError: There are no prompts.
    """
    check_prompts(prompts)
    asked = [
        Prompt(f"{number}/{sample}", (text,), replace(decoding, sample=sample))
        for number, text in enumerate(prompts)
        for sample in range(n)
    ]
    answers = model.generate(asked)
    return [answers[start : start + n] for start in range(0, len(answers), n)]


def check_prompts(prompts: Sequence[str]) -> None:
    """Sees that there are some.

    Raises:
        DataError: There are none.
    """
    if not prompts:
        raise DataError("expected prompts to sample responses to, came none; give the recipe some")


def specimen(prompt: str, response: str, rival: str | None = None) -> Comparison:
    """What a judge is tried with: a response that stands alone, or two."""
    asked = Prompt("tried before sampling", (prompt,), Decoding(max_tokens=0))
    one = Generation(asked, "nobody", (Response(response),))
    other = None if rival is None else replace(one, responses=(Response(rival),))
    return Comparison(one, other)


def trained_on(generation: Generation) -> Answer:
    """A response as it is trained on: one that was cut has no end to learn."""
    return Answer(generation.text, generation.responses[-1].finish_reason != "length")
