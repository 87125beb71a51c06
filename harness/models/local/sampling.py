"""How the next token is drawn, so that a sample depends on its own request and nothing else.

Each turn of a prompt has a seed of its own, and each step of it one uniform number: the answer is
the same whatever shares its batch, up to the rounding of the logits. Checkpoints of a series draw
with the same numbers, which makes comparisons between them less noisy.

Shapes: N requests, B rows of them that are still being answered, S rows that are sampled, T steps,
V vocabulary, K likeliest tokens.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from harness.types import Decoding, Prompt

if TYPE_CHECKING:
    from torch import Tensor


class Request(NamedTuple):
    """One row of a batch."""

    ids: list[int]
    """Token ids of the rendered conversation."""
    decoding: Decoding
    seed: int


class Scored(NamedTuple):
    """Log-probabilities of one position, as the model gave them before temperature and top_p."""

    chosen: float
    """Of the token that was drawn."""
    top: list[tuple[int, float]]
    """Of the likeliest tokens, by id, the likeliest first."""


def seed_of(prompt: Prompt, turn: int) -> int:
    """128 bits from all that is asked: turns, system message, decoding, and which turn this is."""
    asked = json.dumps([prompt.turns, prompt.system, prompt.decoding.canonical(), turn])
    return int.from_bytes(hashlib.sha256(asked.encode()).digest()[:16])


def noise(seed: int, steps: int) -> list[float]:
    """Uniform numbers in [0, 1), one per step; a longer run begins with a shorter one."""
    import numpy as np

    numbers: list[float] = np.random.Generator(np.random.Philox(key=seed)).random(steps).tolist()
    return numbers


def draw(
    logits_S_V: "Tensor",
    temperature_S: "Tensor",
    top_p_S: "Tensor | None",
    uniform_S: "Tensor",
) -> "Tensor":
    """Token ids [S], each drawn by inverting the cumulative distribution of its row.

    In double precision and in the order of the vocabulary, so that a rounding error moves the
    bounds between tokens by as little and never exchanges two of them. Only where two tokens all
    but tie at the edge of `top_p` does the rounding of the logits decide which of them is kept.

    Args:
        logits_S_V: Raw logits.
        temperature_S: Greater than 0.
        top_p_S: In (0, 1]; the smallest set of likeliest tokens that holds this mass is kept,
            with every token that ties with its last one. None keeps all tokens.
        uniform_S: In [0, 1).
    """
    import torch

    scaled_S_V = logits_S_V.double() / temperature_S[:, None]
    probs_S_V = torch.softmax(scaled_S_V, -1)
    if top_p_S is not None:  # sorting a vocabulary can cost more than a small network
        probs_S_V = nucleus(probs_S_V, top_p_S)
    cumulative_S_V = probs_S_V.cumsum(-1)
    # A uniform number below 1 times the total, which is near 1, stays below the total: the first
    # bound beyond it always exists, and belongs to a token that was kept.
    target_S_1 = uniform_S[:, None] * cumulative_S_V[:, -1:]
    tokens_S_1 = torch.searchsorted(cumulative_S_V, target_S_1, right=True)
    # Only logits that are not numbers reach beyond the last token; Draws reports those.
    return tokens_S_1[:, 0].clamp(max=logits_S_V.shape[-1] - 1)


def nucleus(probs_S_V: "Tensor", top_p_S: "Tensor") -> "Tensor":
    """The same probabilities, with 0 for every token outside the nucleus; not normalised."""
    import torch

    sorted_S_V = probs_S_V.sort(-1, descending=True).values
    before_S_V = sorted_S_V.cumsum(-1) - sorted_S_V
    # Sums can be rounded to 1 before the last token: a row of top_p 1 keeps that token, too.
    inside_S_V = (before_S_V < top_p_S[:, None]) | (top_p_S[:, None] == 1)
    least_S_1 = sorted_S_V.where(inside_S_V, torch.inf).amin(-1, keepdim=True)
    return probs_S_V.where(probs_S_V >= least_S_1, 0.0)


def score(logits_B_V: "Tensor", tokens_B: "Tensor", k: int) -> list[Scored]:
    """Natural log-probabilities in each row of the token drawn and of the `k` likeliest."""
    logps_B_V = logits_B_V.log_softmax(-1)
    chosen_B = logps_B_V.gather(-1, tokens_B[:, None])[:, 0]
    top_B_K, ids_B_K = logps_B_V.topk(min(k, logps_B_V.shape[-1]))
    rows = zip(chosen_B.tolist(), ids_B_K.tolist(), top_B_K.tolist(), strict=True)
    return [Scored(chosen, list(zip(ids, top, strict=True))) for chosen, ids, top in rows]


class Draws:
    """Chooses the next token of each row; the likeliest, where its temperature is 0."""

    def __init__(self, requests: Sequence[Request], device: Any) -> None:
        import torch

        decodings = [request.decoding for request in requests]
        steps = max(decoding.max_tokens for decoding in decodings)
        exact = {"dtype": torch.float64, "device": device}
        temperature_N = torch.tensor([decoding.temperature for decoding in decodings], **exact)
        self._greedy_N = temperature_N == 0
        self._temperature_N = temperature_N.where(~self._greedy_N, 1)
        top_p_N = torch.tensor([decoding.top_p for decoding in decodings], **exact)
        self._top_p_N = top_p_N if any(decoding.top_p < 1 for decoding in decodings) else None
        self._sampled = any(decoding.temperature for decoding in decodings)
        seeds = [request.seed for request in requests] if self._sampled else []
        self._uniform_N_T = torch.tensor([noise(seed, steps) for seed in seeds], **exact)
        self._n_top = max(decoding.top_logprobs for decoding in decodings)
        self._broken = torch.zeros((), dtype=torch.bool, device=device)
        self.scored: list[list[Scored]] = [[] for _ in requests]
        """Of each request, one for each step, if any request asks for log-probabilities."""

    @property
    def broken(self) -> bool:
        """Whether some row had no largest logit: not a number, or infinite."""
        return bool(self._broken)

    def __call__(self, logits_B_V: "Tensor", rows_B: "Tensor", step: int) -> "Tensor":
        """The tokens [B] that are drawn.

        Args:
            logits_B_V: Raw logits.
            rows_B: Which of the requests each row is.
            step: Tokens that were drawn before.
        """
        self._broken |= ~logits_B_V.amax(-1).isfinite().all()
        tokens_B = self._choose(logits_B_V, rows_B, step)
        if self._n_top:
            scored = score(logits_B_V, tokens_B, self._n_top)
            for row, one in zip(rows_B.tolist(), scored, strict=True):
                self.scored[row].append(one)
        return tokens_B

    def _choose(self, logits_B_V: "Tensor", rows_B: "Tensor", step: int) -> "Tensor":
        likeliest_B = logits_B_V.argmax(-1)
        if not self._sampled:
            return likeliest_B
        drawn_B = draw(
            logits_B_V,
            self._temperature_N[rows_B],
            None if self._top_p_N is None else self._top_p_N[rows_B],
            self._uniform_N_T[rows_B, step],
        )
        return likeliest_B.where(self._greedy_N[rows_B], drawn_B)


class Ends:
    """Keeps what is drawn, and ends a row at a stop token, a stop string or its own limit.

    Args:
        requests: What is asked.
        stop_ids: Tokens that end an answer.
        decode: Token ids to text.
        device: Where tokens are.
    """

    def __init__(
        self,
        requests: Sequence[Request],
        stop_ids: Collection[int],
        decode: Callable[[list[int]], str],
        device: Any,
    ) -> None:
        import torch

        limits = [request.decoding.max_tokens for request in requests]
        self._stops = [request.decoding.stop for request in requests]
        self._tails = [_tail(stop) for stop in self._stops]
        self._stop_ids = torch.tensor(sorted(stop_ids), dtype=torch.long, device=device)
        self._decode = decode
        self._lengths_N = torch.tensor(limits, device=device)
        self._drawn_N_T = torch.zeros(len(limits), max(limits), dtype=torch.long, device=device)

    @property
    def drawn(self) -> list[list[int]]:
        """Tokens of each answer, with those that ended it."""
        answers = zip(self._drawn_N_T.tolist(), self._lengths_N.tolist(), strict=True)
        return [tokens[:length] for tokens, length in answers]

    def __call__(self, tokens_B: "Tensor", rows_B: "Tensor", step: int) -> "Tensor":
        """Whether each row goes on, as booleans [B]; one that has ended never does again.

        Args:
            tokens_B: What was drawn.
            rows_B: Which of the requests each row is.
            step: Tokens that were drawn before.
        """
        import torch

        self._drawn_N_T[rows_B, step] = tokens_B
        ended_B = torch.isin(tokens_B, self._stop_ids)
        if any(self._tails):
            ended_B |= self._stopped(rows_B, step + 1)
        lengths_B = self._lengths_N[rows_B]
        lengths_B = lengths_B.clamp(max=step + 1).where(ended_B, lengths_B)
        self._lengths_N[rows_B] = lengths_B
        return lengths_B > step + 1

    def _stopped(self, rows_B: "Tensor", length: int) -> "Tensor":
        """Whether each answer says one of its stop strings at its end, as booleans [B]."""
        import torch

        ends_B_T = self._drawn_N_T[rows_B, max(length - max(self._tails), 0) : length]
        answers = zip(rows_B.tolist(), ends_B_T.tolist(), strict=True)
        said = [self._says(row, tokens) for row, tokens in answers]
        return torch.tensor(said, device=rows_B.device)

    def _says(self, row: int, tokens: list[int]) -> bool:
        if not (stop := self._stops[row]):
            return False
        text = self._decode(tokens[-self._tails[row] :])
        return any(end in text for end in stop)


def _tail(stop: tuple[str, ...]) -> int:
    """Tokens at the end of an answer that tell whether it has just said one of these strings."""
    # Each token adds a byte or more. Four more, as a character can begin up to three bytes earlier
    # and a first token can lose its space.
    return max(len(text.encode()) for text in stop) + 4 if stop else 0
