"""A network in memory: requests as token ids in, responses out.

Decoding is what the request says and nothing else: no temperature, penalty or limit that a
checkpoint's generation_config.json recommends is applied.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.errors import ModelError
from harness.models.local.sampling import Draws, Ends, Request, Scored
from harness.types import Response, Token, Usage

_WORTH_MOVING = 0.75
"""Share of rows that go on at which the others are left out: to select rows copies the cache."""


def not_finite(model: Any) -> ModelError:
    """What is to be said of weights that have overflowed."""
    return ModelError(
        f"the weights give logits that are no finite numbers in {model.dtype}; "
        "try bfloat16 or float32, and check the training run"
    )


@dataclass(frozen=True, slots=True)
class Network:
    """Weights in memory, with what turns token ids into text."""

    model: Any
    """A causal language model of transformers."""
    tokenizer: Any
    stop_ids: frozenset[int]
    """Tokens that end an answer."""

    @property
    def window(self) -> int | None:
        """Most tokens that a prompt and its answer may have together; None is no limit."""
        config = self.model.config.get_text_config()
        return getattr(config, "max_position_embeddings", None)

    def respond(self, requests: Sequence[Request]) -> list[Response]:
        """One response per request, in order, from as few forward passes as memory allows.

        Raises:
            ModelError: The logits are not numbers, or a single request is too large.
        """
        import torch

        if not requests:
            return []
        try:
            return self._respond(requests)
        except torch.OutOfMemoryError as error:
            if len(requests) == 1:
                raise ModelError(
                    f"a prompt of {len(requests[0].ids)} tokens does not fit into the memory of "
                    f"{self.model.device}; use a larger device or a smaller dtype"
                ) from error
        # Outside the handler, where nothing of the failed pass is still held.
        torch.cuda.empty_cache()
        half = len(requests) // 2
        return self.respond(requests[:half]) + self.respond(requests[half:])

    def decode(self, ids: list[int]) -> str:
        """Text of token ids, without special tokens, spaces exactly as they were written."""
        text: str = self.tokenizer.decode(
            ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return text

    def _respond(self, requests: Sequence[Request]) -> list[Response]:
        draws = Draws(requests, self.model.device)
        ends = Ends(requests, self.stop_ids, self.decode, self.model.device)
        self._run(requests, draws, ends)
        if draws.broken:
            raise not_finite(self.model)
        answers = zip(requests, ends.drawn, draws.scored, strict=True)
        return [self._response(*answer) for answer in answers]

    def _run(self, requests: Sequence[Request], draws: Draws, ends: Ends) -> None:
        """Draws until every row has ended."""
        import torch

        from harness.models.local.batch import Batch

        with torch.inference_mode():
            batch = Batch(self.model, requests)
            logits_B_V, step = batch.start(), 0
            while True:
                tokens_B = draws(logits_B_V, batch.rows_B, step)
                goes_on_B = ends(tokens_B, batch.rows_B, step)
                n = int(goes_on_B.sum())
                if not n:
                    return
                if n <= _WORTH_MOVING * len(tokens_B):
                    kept = goes_on_B.nonzero()[:, 0]
                    batch.keep(kept)
                    tokens_B = tokens_B[kept]
                logits_B_V, step = batch.go_on(tokens_B), step + 1

    def _response(self, request: Request, drawn: list[int], scored: list[Scored]) -> Response:
        kept = drawn[:-1] if drawn[-1] in self.stop_ids else drawn
        text = self.decode(kept)
        found = [at for stop in request.decoding.stop if (at := text.find(stop)) >= 0]
        stopped = found or len(kept) < len(drawn)
        return Response(
            text[: min(found, default=None)],
            finish_reason="stop" if stopped else "length",
            tokens=self._tokens(kept, scored, request.decoding.top_logprobs),
            usage=Usage(len(request.ids), len(drawn)),
        )

    def _tokens(self, kept: list[int], scored: list[Scored], k: int) -> tuple[Token, ...]:
        if not k:
            return ()
        return tuple(
            Token(
                self._piece(token),
                logprob,
                tuple((self._piece(other), value) for other, value in top[:k]),
            )
            for token, (logprob, top) in zip(kept, scored, strict=False)
        )

    def _piece(self, token: int) -> str:
        """One token as text, special ones included."""
        text: str = self.tokenizer.decode([token], clean_up_tokenization_spaces=False)
        return text
