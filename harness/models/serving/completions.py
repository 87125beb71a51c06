"""What follows a text as it is, and how likely a text is, asked of a server at /completions.

`ByTokens` knows the checkpoint's tokenizer and sends token ids, so a context is parted from a
choice, and cut, as `hf:` does. `ByText` sends texts: the server counts the tokens of the context
alone, and those after as many are the choice's, which is the same rule.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, TypeAlias

from harness.models.local.pairs import Pairs, Row, moved
from harness.models.serving.failures import DeniedError, FailedError, RefusedError, one_line
from harness.models.serving.spoken import drawn, logprob, served_by, usage
from harness.types import GIVEN, LIKELIEST, Prompt, Response, Token, Usage

Answer: TypeAlias = Mapping[str, Any]

Post: TypeAlias = Callable[[Mapping[str, Any]], Awaitable[Answer]]
"""Sends a request without the model's name to /completions; what came with status 200."""

_BROKEN = (AttributeError, LookupError, OverflowError, TypeError, ValueError)
_READ = {"max_tokens": 1, "temperature": 0.0}
"""Of requests whose answer does not matter; many servers write one token at least."""
_ROOM = 2
"""A server's window holds the last token of a choice and one that is written as well."""
_EMPTY = "context or choice has no tokens"


class Place(NamedTuple):
    """One token that was read or written."""

    text: str
    logprob: float | None
    """None where nothing stands before it."""
    likeliest: bool
    top: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class ByText:
    """Asks in texts, for log-probabilities by `echo`."""

    post: Post
    lengths: dict[str, int] = field(default_factory=dict)
    """Tokens of contexts, as far as they were counted."""

    async def ask(self, prompt: Prompt, responses: tuple[Response, ...]) -> Response:
        """What follows the prompt's text, or how likely the next of its choices is.

        Raises:
            RefusedError: The text is too long, has no tokens, or nothing can stand before it.
            DeniedError: The server does not tell log-probabilities of what it reads.
            FailedError: The answer is no completion.
        """
        if not prompt.choices:
            return await _written(self.post, prompt, prompt.turns[len(responses)])
        context, choice = asked_next(prompt, len(responses))
        before, after = moved(context, choice)
        start = await (self._length(before) if before else self._special(after))
        answer = await self.post(_echo(before + after))
        places = read_echo(answer)
        return _scored(choice, places[start:], usage(answer.get("usage")), served_by(answer))

    async def _length(self, text: str) -> int:
        if text not in self.lengths:
            self.lengths[text] = _n_read(await self.post({"prompt": text, **_READ}))
        return self.lengths[text]

    async def _special(self, text: str) -> int:
        """Tokens that the server puts before a text."""
        bare = await self.post({"prompt": text, **_READ, "add_special_tokens": False})
        n = await self._length(text) - _n_read(bare)
        if n < 1:
            raise RefusedError(
                "nothing stands before a text without context at this server, which tells nothing "
                "of the first token then; name the checkpoint, vllm:PATH or hf:PATH"
            )
        return n


@dataclass(frozen=True, slots=True)
class ByTokens:
    """Asks in token ids, for log-probabilities by vLLM's `prompt_logprobs`."""

    post: Post
    pairs: Pairs
    """Their window is the server's."""
    context: Callable[[Prompt, str], str]
    """The text that a turn of a prompt becomes."""
    stop_ids: Sequence[int]
    """Tokens that end an answer."""

    async def ask(self, prompt: Prompt, responses: tuple[Response, ...]) -> Response:
        """What follows the prompt's text, or how likely the next of its choices is.

        Raises:
            RefusedError: The text has no tokens, or does not fit even when its beginning is cut.
            DeniedError: The server does not tell log-probabilities of what it reads.
            FailedError: The answer is no completion.
        """
        if prompt.choices:
            return await self._likelihood(prompt, len(responses))
        ids, cut = self.pairs.prompt(prompt.turns[len(responses)], prompt.decoding)
        if not ids:
            raise RefusedError(f"the window of {self.pairs.window} tokens holds no prompt")
        response = await _written(self.post, prompt, ids, stop_token_ids=self.stop_ids)
        return replace(response, cut=cut)

    async def _likelihood(self, prompt: Prompt, at: int) -> Response:
        context, choice = asked_next(prompt, at)
        rows = self._rows(prompt, context, choice)
        answers = [await self.post(_ids(row)) for row in rows]
        pairs = zip(rows, answers, strict=True)
        places = [place for row, answer in pairs for place in _targets(row, answer)]
        told = [usage(answer.get("usage")) for answer in answers]
        total = Usage(
            sum(one.prompt_tokens for one in told), sum(u.completion_tokens for u in told)
        )
        response = _scored(choice, places, total, served_by(answers[0]))
        return replace(response, cut=sum(row.cut for row in rows))

    def _rows(self, prompt: Prompt, context: str, choice: str) -> list[Row]:
        pairs = replace(self.pairs, window=self.pairs.window - _ROOM)
        turns = [self.context(prompt, context)] if prompt.turns else []
        found = pairs.rows(turns, [choice]) if turns else pairs.windows(choice)
        for row in found:
            if isinstance(row, str):
                raise RefusedError(row)
        return [row for row in found if isinstance(row, Row)]


async def probe(post: Post, *, likelihoods: bool) -> None:
    """Sees that a server goes on with texts and, if need be, tells how likely they are.

    Raises:
        RefusedError: It does not take such requests.
        DeniedError: It does not tell log-probabilities, or serves no request.
        FailedError: It cannot be reached.
    """
    text = "The sky is blue"
    answer = await post(_echo(text) if likelihoods else {"prompt": text, **_READ})
    if likelihoods:
        read_echo(answer)


def asked_next(prompt: Prompt, at: int) -> tuple[str, str]:
    """The context, "" if there is none, and the choice of one of the responses."""
    turn, choice = divmod(at, len(prompt.choices))
    return prompt.turns[turn] if prompt.turns else "", prompt.choices[choice]


def read_echo(answer: Answer) -> list[Place]:
    """The tokens that were read, from an answer with `echo` and `logprobs`.

    Raises:
        DeniedError: There are none.
        FailedError: It is no completion.
    """
    n = _n_read(answer)
    places = _places(answer)
    if len(places) < n:
        raise _untold(f"{n} tokens were read, came those of {len(places)}")
    return places[:n]


def _n_read(answer: Answer) -> int:
    n = usage(answer.get("usage")).prompt_tokens
    if not n:
        raise _untold("it does not say how many tokens it read")
    return n


def _untold(came: str) -> DeniedError:
    return DeniedError(
        f"expected log-probabilities of each token that the server reads (echo with logprobs), "
        f"{came}; choose a server that tells them",
        served=True,
    )


def _echo(text: str) -> dict[str, Any]:
    return {"prompt": text, **_READ, "echo": True, "logprobs": 1}


def _ids(row: Row) -> dict[str, Any]:
    return {"prompt": [*row.ids, row.targets[-1]], **_READ, "prompt_logprobs": 1}


async def _written(post: Post, prompt: Prompt, text: str | list[int], **more: Any) -> Response:
    decoding = prompt.decoding
    told = {"logprobs": decoding.top_logprobs} if decoding.top_logprobs else {}
    asked = {"prompt": text, "max_tokens": decoding.max_tokens, **drawn(prompt), **told, **more}
    answer = await post(asked)
    try:
        choice = answer["choices"][0]
        if not isinstance(choice["text"], str):
            raise TypeError(choice["text"])
    except _BROKEN as error:
        raise _broken(answer) from error
    return Response(
        choice["text"],
        choice.get("finish_reason") or "stop",
        tuple(Token(p.text, p.logprob or 0.0, p.top) for p in _places(answer)) if told else (),
        usage(answer.get("usage")),
        served_by(answer),
    )


def _places(answer: Answer) -> list[Place]:
    """Tokens as the protocol lists them; none if they were left out."""
    try:
        told = answer["choices"][0].get("logprobs") or {}
        rows = zip(
            told.get("tokens") or (),
            told.get("token_logprobs") or (),
            told.get("top_logprobs") or (),
            strict=True,
        )
        return [_place(*row) for row in rows]
    except _BROKEN as error:
        raise _broken(answer) from error


def _place(text: str, own: float | None, others: Mapping[str, float] | None) -> Place:
    if own is None:
        return Place(text, None, likeliest=False, top=())
    top = sorted(((one, logprob(p)) for one, p in (others or {}).items()), key=lambda one: -one[1])
    # Two tokens may be written alike, so they are told apart by what they are worth.
    likeliest = all(logprob(own) >= p for _, p in top)
    return Place(text, logprob(own), likeliest, tuple(top))


def _targets(row: Row, answer: Answer) -> list[Place]:
    """The last tokens of a prompt, from an answer with `prompt_logprobs`."""
    try:
        told = answer["choices"][0].get("prompt_logprobs") or ()
        if len(told) != len(row.ids) + 1:
            raise _untold(f"{len(row.ids) + 1} tokens were sent, came those of {len(told)}")
        found = zip(row.targets, told[-len(row.targets) :], strict=True)
        return [_target(one[str(target)]) for target, one in found]
    except _BROKEN as error:
        raise _broken(answer) from error


def _target(told: Mapping[str, Any]) -> Place:
    text = told.get("decoded_token") or ""
    return Place(text, logprob(told["logprob"]), told["rank"] == 1, ())


def _scored(text: str, places: Sequence[Place], read: Usage, server: str) -> Response:
    tokens = [Token(p.text, p.logprob, ()) for p in places if p.logprob is not None]
    if not tokens or len(tokens) < len(places):
        raise RefusedError(_EMPTY)
    finish = LIKELIEST if all(place.likeliest for place in places) else GIVEN
    return Response(text, finish, tuple(tokens), read, server)


def _broken(answer: Answer) -> FailedError:
    return FailedError(f"expected a completion, came '{one_line(str(answer), 100)}'")
