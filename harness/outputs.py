"""Answers that a user already has, scored where a benchmark knows by itself what is right."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NoReturn

from harness.errors import DataError, SpecError
from harness.judging import Matched, Settled
from harness.types import (
    Assets,
    Comparison,
    Files,
    Generation,
    Matcher,
    Prompt,
    Rescored,
    Response,
    Rows,
    Score,
    Verdict,
    one_each,
)

_ABSENT = "not in the file of answers"

Aggregate = Callable[[Sequence[Verdict], Assets], list[Score]]


def files(
    name: str,
    load: Callable[[Assets], list[Prompt]],
    matcher: Callable[[Assets], Matcher],
    aggregate: Aggregate,
) -> Files:
    """The files of a benchmark that matches: answers as rows of task, id and response.

    Args:
        name: Of the benchmark; its prompts are `NAME/TASK/ID`.
        load: As the benchmark's.
        matcher: As its grader.
        aggregate: As the benchmark's.
    """
    return Files(
        read_outputs=lambda rows, assets: {**by_turns(rows, name, load(assets))},
        write_outputs=write,
        read_judgments=no_judgments,
        write_judgments=lambda _: [],
        rescore=no_judgments,
        rescore_outputs=lambda rows, assets: rescored(
            rows, assets, load(assets), matcher(assets), aggregate
        ),
    )


def responses(rows: Rows, name: str, known: Collection[str]) -> dict[str, str]:
    """Each row's response by its prompt's id, `NAME/TASK/ID`.

    Args:
        rows: With `task`, `id` (a text or a whole number) and `response`.
        name: Of the benchmark.
        known: Ids of its prompts.

    Raises:
        DataError: A row lacks a field, names a prompt that there is not, or names one again.
    """
    found: dict[str, str] = {}
    for number, row in enumerate(rows):
        prompt = f"{name}/{_field(row, number, 'task')}/{_id(row, number)}"
        if prompt not in known:
            raise DataError(
                f"expected a task and an id of {name}, row {number} has {prompt!r:.80}; are these "
                f"answers to another benchmark, or is that task's file not here?"
            )
        if prompt in found:
            raise DataError(
                f"expected each prompt once, row {number} repeats {prompt}; keep one answer"
            )
        found[prompt] = _field(row, number, "response")
    return found


def by_turns(rows: Rows, name: str, prompts: Sequence[Prompt]) -> dict[tuple[str, ...], tuple[str]]:
    """Each row's response by the turns of its prompt.

    Raises:
        DataError: As `responses`; or two prompts that ask the same are answered differently.
    """
    turns = {prompt.id: prompt.turns for prompt in prompts}
    answers: dict[tuple[str, ...], tuple[str]] = {}
    for prompt, response in responses(rows, name, turns).items():
        if answers.setdefault(turns[prompt], (response,)) != (response,):
            raise DataError(
                f"expected one answer to one question, but {prompt} asks what another prompt asks "
                f"and is answered differently; score the file with 'rescore {name} --outputs'"
            )
    return answers


def write(generations: Sequence[Generation]) -> list[dict[str, Any]]:
    """Rows of `task`, `id`, `response` and `model`; a prompt that was never answered has none."""
    return [
        {"task": task, "id": one, "response": g.text, "model": g.model}
        for g in generations
        if g.failure is None
        for _, task, one in [g.prompt.id.split("/", 2)]
    ]


def rescored(
    rows: Rows, assets: Assets, prompts: Sequence[Prompt], matcher: Matcher, aggregate: Aggregate
) -> Rescored:
    """What the answers of a file add up to; a prompt that it does not answer is unread.

    The items are of the prompts that it answers.

    Raises:
        DataError: As `responses`.
    """
    name = prompts[0].id.split("/", 1)[0]
    answers = responses(rows, name, {prompt.id for prompt in prompts})
    generations = [_generation(prompt, answers.get(prompt.id)) for prompt in prompts]
    judge = Settled(Matched(matcher))
    verdicts = judge([Comparison(generation) for generation in generations])
    told = [v for v in verdicts if v.comparison.candidate.failure is None]
    return Rescored("outputs", judge.name, aggregate(verdicts, assets), one_each(told))


def no_judgments(*_: object) -> NoReturn:
    """In the place of a reader of judgments, where there are none.

    Raises:
        SpecError: Always.
    """
    raise SpecError(
        "expected answers, since this benchmark matches them by itself and knows no judgments; "
        "give them with --outputs FILE: JSON lines of task, id, response"
    )


def _generation(prompt: Prompt, response: str | None) -> Generation:
    if response is None:
        return Generation(prompt, "outputs", (), _ABSENT)
    return Generation(prompt, "outputs", (Response(response),))


def _field(row: Mapping[str, Any], number: int, key: str) -> str:
    value = row.get(key)
    if not isinstance(value, str):
        raise DataError(
            f"expected a text under '{key}' in row {number}, came {value!r:.40}; "
            f"a row has task, id and response"
        )
    return value


def _id(row: Mapping[str, Any], number: int) -> str:
    value = row.get("id")
    if isinstance(value, str) or type(value) is int:
        return str(value)
    raise DataError(
        f"expected a text or a whole number under 'id' in row {number}, came {value!r:.40}; "
        f"a row has task, id and response"
    )
