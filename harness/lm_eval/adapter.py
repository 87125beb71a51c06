"""A model of ours as one of lm-eval's, for its own evaluator and whoever calls that."""

from collections.abc import Sequence
from typing import Any

from harness.errors import ModelError
from harness.lm_eval.asking import SCORED, decodings
from harness.lm_eval.package import version
from harness.types import (
    LIKELIEST,
    Decoding,
    Generation,
    Model,
    Prompt,
    Rendering,
    Response,
    innermost,
)


def as_lm(model: Model) -> Any:
    """The model as an `lm_eval.api.model.LM`, with whatever is put around it, such as a store.

    Raises:
        ModelError: lm-eval is not installed.
    """
    version()
    from lm_eval.api.model import LM

    class Adapted(LM):  # type: ignore[misc] # a class of a package that may be absent
        """Asks our model."""

        tokenizer_name = str(model.identity.get("template", model.name))

        def loglikelihood(self, requests: Sequence[Any], **_: Any) -> list[tuple[float, bool]]:
            """Log-probability of each continuation, and whether it is the likeliest."""
            told = _told(model, [one.args for one in requests])
            return [(one.logprob, one.finish_reason == LIKELIEST) for one in told]

        def loglikelihood_rolling(self, requests: Sequence[Any], **_: Any) -> list[float]:
            """Log-probability of each whole text."""
            texts = dict.fromkeys(one.args[0] for one in requests)
            asked = [_asked(str(n), (), choices=(text,)) for n, text in enumerate(texts)]
            answers = zip(texts, _answers(model, asked), strict=True)
            told = {text: answer.responses[0].logprob for text, answer in answers}
            return [told[one.args[0]] for one in requests]

        def generate_until(self, requests: Sequence[Any], **_: Any) -> list[str]:
            """The text that follows each context."""
            asked = [
                _asked(str(n), one.args[:1], next(decodings(f"request {n}", one)))
                for n, one in enumerate(requests)
            ]
            return [answer.text for answer in _answers(model, asked)]

        def apply_chat_template(
            self,
            chat_history: list[dict[str, str]],
            add_generation_prompt: bool = True,  # noqa: FBT001, FBT002 - lm-eval's signature
        ) -> str:
            """What a question in a conversation becomes."""
            return _rendered(model, chat_history, opened=add_generation_prompt)

        def chat_template(self, chat_template: bool | str = False) -> str:  # noqa: FBT001, FBT002 - as above
            """What tells the template from others; empty where none is asked for."""
            return self.tokenizer_name if chat_template else ""

    return Adapted()


def _asked(
    name: str,
    turns: tuple[str, ...],
    decoding: Decoding = SCORED,
    choices: tuple[str, ...] = (),
) -> Prompt:
    return Prompt(name, turns, decoding, choices=choices, raw=True)


def _told(model: Model, pairs: Sequence[tuple[str, str]]) -> list[Response]:
    """The response to each pair of context and choice; a context is asked with all its choices."""
    choices: dict[str, dict[str, None]] = {}
    for context, choice in pairs:
        choices.setdefault(context, {})[choice] = None
    asked = [
        _asked(str(n), (context,), choices=tuple(own))
        for n, (context, own) in enumerate(choices.items())
    ]
    told = {
        (answer.prompt.turns[0], choice): response
        for answer in _answers(model, asked)
        for choice, response in zip(answer.prompt.choices, answer.responses, strict=True)
    }
    return [told[pair] for pair in pairs]


def _answers(model: Model, asked: Sequence[Prompt]) -> list[Generation]:
    answers = model.generate(asked)
    failed = [answer for answer in answers if answer.failure is not None]
    if failed:
        raise ModelError(
            f"expected answers to all {len(asked)} requests, {len(failed)} are refused "
            f"(first: {failed[0].failure}); lm-eval takes no gaps: run its tasks as benchmarks"
        )
    return answers


def _rendered(model: Model, history: Sequence[dict[str, str]], *, opened: bool) -> str:
    inner, roles = innermost(model), [one["role"] for one in history]
    if not isinstance(inner, Rendering) or roles not in (["user"], ["system", "user"]):
        raise ModelError(
            f"expected a question to a model whose chat template is here, came "
            f"{', '.join(roles)} to '{model.name}'; leave fewshot_as_multiturn out"
        )
    if not opened:
        raise ModelError("expected the model to open its answer, but the task begins it itself")
    system = history[0]["content"] if len(history) > 1 else None
    return inner.render(Prompt("", (history[-1]["content"],), SCORED, system))
