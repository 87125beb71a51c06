"""A network in memory: requests as token ids in, responses out.

Decoding is what the request says and nothing else: no temperature, penalty or limit that a
checkpoint's generation_config.json recommends is applied.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from harness.errors import ModelError
from harness.models.local.sampling import Draws, Ends, Request, Scored
from harness.types import Response, Token, Usage

if TYPE_CHECKING:
    from torch import Tensor


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
        width = max(len(request.ids) for request in requests)
        draws = Draws(requests, self.model.device)
        ends = Ends(requests, width, self.decode)
        rows = self._generate(requests, draws, ends)
        if draws.broken:
            raise ModelError(
                f"the weights give logits that are no finite numbers in {self.model.dtype}; "
                "try bfloat16 or float32, and check the training run"
            )
        drawn = [row[width : width + end] for row, end in zip(rows, ends.lengths, strict=True)]
        return [
            self._response(*answer) for answer in zip(requests, drawn, draws.scored, strict=True)
        ]

    def _generate(self, requests: Sequence[Request], draws: Draws, ends: Ends) -> list[list[int]]:
        """Padded prompts, each followed by what was drawn."""
        import torch
        from transformers import GenerationConfig, LogitsProcessorList, StoppingCriteriaList

        pad = min(self.stop_ids, default=0)
        ids_B_T, mask_B_T = _padded([request.ids for request in requests], pad)
        with torch.inference_mode():
            out_B_T = self.model.generate(
                input_ids=ids_B_T.to(self.model.device),
                attention_mask=mask_B_T.to(self.model.device),
                generation_config=GenerationConfig.from_dict(
                    {
                        "do_sample": False,
                        "max_new_tokens": max(row.decoding.max_tokens for row in requests),
                        "eos_token_id": sorted(self.stop_ids) or None,
                        "pad_token_id": pad,
                    }
                ),
                logits_processor=LogitsProcessorList([draws]),
                stopping_criteria=StoppingCriteriaList([ends]),
            )
        rows: list[list[int]] = out_B_T.tolist()
        return rows

    def _response(self, request: Request, drawn: list[int], scored: list[Scored]) -> Response:
        kept = list(takewhile(lambda token: token not in self.stop_ids, drawn))
        text = self.decode(kept)
        found = [at for stop in request.decoding.stop if (at := text.find(stop)) >= 0]
        stopped = found or len(kept) < len(drawn)
        return Response(
            text[: min(found, default=None)],
            finish_reason="stop" if stopped else "length",
            tokens=self._tokens(kept, scored, request.decoding.top_logprobs),
            usage=Usage(len(request.ids), min(len(drawn), len(kept) + 1)),
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


def _padded(rows: Sequence[list[int]], pad: int) -> "tuple[Tensor, Tensor]":
    """Ids [B, T] padded on the left, and which of them are not padding."""
    import torch

    width = max(map(len, rows))
    ids_B_T = torch.tensor([[pad] * (width - len(row)) + row for row in rows])
    mask_B_T = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows])
    return ids_B_T, mask_B_T
