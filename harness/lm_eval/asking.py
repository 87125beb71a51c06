"""lm-eval's requests as prompts of ours, and our answers as lm-eval takes them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from harness.errors import DataError
from harness.types import LIKELIEST, Decoding, Generation, Prompt, Response

SCORED = Decoding(max_tokens=0)
"""Of prompts with choices: nothing is written."""
_LONGEST = 256
"""Tokens of an answer, where a task does not say: lm-eval's own default."""
_DRAWN = {"temperature", "top_p", "do_sample", "until", "max_gen_toks"}


class Asked(NamedTuple):
    """One prompt, and the requests that its responses answer."""

    prompt: Prompt
    instances: Sequence[Any]
    """One of lm-eval's `Instance` for each response."""


class Document(NamedTuple):
    """One document of a task, with all that is asked about it."""

    id: str
    task: Any
    """lm-eval's."""
    asked: Sequence[Asked]


def written_down(messages: Sequence[Mapping[str, str]], *, add_generation_prompt: bool) -> str:
    """In the place of a model's chat template: it keeps the conversation for `documents`."""
    return json.dumps([add_generation_prompt, list(messages)])


def documents(name: str, task: Any, *, chat: bool) -> list[Document]:
    """All documents of a task, in its order.

    Args:
        name: Of the benchmark, which begins every id.
        task: lm-eval's.
        chat: Whether prompts go through the model's chat template, examples in the user's turn.

    Raises:
        DataError: It asks for what no prompt of ours can say.
    """
    template = {"apply_chat_template": True, "chat_template": written_down} if chat else {}
    task.build_all_requests(**template)
    by_document: dict[int, list[Any]] = {}
    for instance in task.instances:
        by_document.setdefault(instance.doc_id, []).append(instance)
    return [
        Document(at, task, list(_numbered(at, instances, chat=chat)))
        for number, instances in by_document.items()
        for at in [f"{name}/{task.task_name}/{number}"]
    ]


def answered(asked: Asked, generation: Generation) -> list[Any]:
    """What lm-eval would have been given for each of the instances.

    Raises:
        DataError: There is not one response for each.
    """
    if len(generation.responses) != len(asked.instances):
        raise DataError(
            f"expected {len(asked.instances)} responses to {asked.prompt.id}, came "
            f"{len(generation.responses)}; are they of another version?"
        )
    return [
        _result(instance, response)
        for instance, response in zip(asked.instances, generation.responses, strict=True)
    ]


def _result(instance: Any, response: Response) -> Any:
    match instance.request_type:
        case "loglikelihood":
            return response.logprob, response.finish_reason == LIKELIEST
        case "loglikelihood_rolling":
            return response.logprob
        case _:
            return response.text


def _numbered(at: str, instances: Sequence[Any], *, chat: bool) -> Iterator[Asked]:
    found = list(_prompts(at, sorted(instances, key=lambda one: one.idx), chat=chat))
    for number, (prompt, asked) in enumerate(found):
        own = at if len(found) == 1 else f"{at}/{number}"
        yield Asked(Prompt(own, *prompt), asked)


_Said = tuple[tuple[str, ...], Decoding, str | None, tuple[str, ...], bool]
"""All of a prompt but its id."""


def _prompts(
    at: str, instances: Sequence[Any], *, chat: bool
) -> Iterator[tuple[_Said, Sequence[Any]]]:
    pairs = [one for one in instances if one.request_type == "loglikelihood"]
    for group in _products(pairs):
        contexts = tuple(dict.fromkeys(one.args[0] for one in group))
        choices = tuple(one.args[1] for one in group[: len(group) // len(contexts)])
        turns, system = _turns(at, contexts, chat=chat)
        yield (turns, SCORED, system, choices, not chat), group
    for one in instances:
        if one.request_type == "loglikelihood_rolling":
            yield ((), SCORED, None, (one.args[0],), True), [one]
        if one.request_type == "generate_until":
            turns, system = _turns(at, one.args[:1], chat=chat)
            for decoding in decodings(at, one):
                yield (turns, decoding, system, (), not chat), [one]


def _products(pairs: Sequence[Any]) -> list[Sequence[Any]]:
    """All pairs, if they are every context with every choice; else those of each context."""
    contexts = list(dict.fromkeys(one.args[0] for one in pairs))
    by_context = [[one for one in pairs if one.args[0] == context] for context in contexts]
    choices = [[one.args[1] for one in group] for group in by_context]
    flat = [one for group in by_context for one in group]
    whole = flat == list(pairs) and all(own == choices[0] for own in choices)
    return [pairs] if pairs and whole else list(by_context)


def _turns(at: str, contexts: Sequence[str], *, chat: bool) -> tuple[tuple[str, ...], str | None]:
    """The contexts as turns, and the system message that all have."""
    if not chat:
        return tuple(contexts), None
    said = [json.loads(context) for context in contexts]
    if not all(opened for opened, _ in said):
        raise DataError(
            f"expected conversations that the model answers, but {at} begins its answer itself; "
            f"leave ':chat' out"
        )
    messages = [{one["role"]: one["content"] for one in conversation} for _, conversation in said]
    return tuple(one["user"] for one in messages), messages[0].get("system")


def decodings(at: str, instance: Any) -> Iterator[Decoding]:
    """How each of the answers to a request is drawn."""
    from lm_eval.models.utils import normalize_gen_kwargs

    told = normalize_gen_kwargs(instance.args[1], _LONGEST)
    others = {key for key, value in told.items() if key not in _DRAWN and value is not None}
    if others:
        raise DataError(
            f"expected answers drawn by {', '.join(sorted(_DRAWN))} alone, but {at} sets "
            f"{', '.join(sorted(others))}; no backend takes these"
        )
    for sample in range(instance.repeats or 1):
        yield Decoding(
            max_tokens=int(told["max_gen_toks"]),
            temperature=float(told.get("temperature") or 0.0),
            top_p=float(told.get("top_p") or 1.0),
            stop=tuple(filter(None, told["until"])),
            sample=sample,
        )
