"""How the next token is drawn, so that a sample depends on its own request and nothing else.

Each turn of a prompt has a seed of its own, and each step of it one uniform number: the answer is
the same whatever shares its batch, up to the rounding of the logits. Checkpoints of a series draw
with the same numbers, which makes comparisons between them less noisy.

Shapes: B rows of a batch, S of them sampled, T positions, V vocabulary, K likeliest tokens.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
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
    logits_S_V: "Tensor", temperature_S: "Tensor", top_p_S: "Tensor", uniform_S: "Tensor"
) -> "Tensor":
    """Token ids [S], each drawn by inverting the cumulative distribution of its row.

    In double precision and in the order of the vocabulary, so that a rounding error moves the
    bounds between tokens by as little and never exchanges two of them.

    Args:
        logits_S_V: Raw logits.
        temperature_S: Greater than 0.
        top_p_S: In (0, 1]; the smallest set of likeliest tokens that holds this mass is kept,
            with every token that ties with its last one.
        uniform_S: In [0, 1).
    """
    import torch

    scaled_S_V = logits_S_V.double() / temperature_S[:, None]
    probs_S_V = torch.softmax(scaled_S_V, -1)
    if (top_p_S < 1).any():  # sorting a vocabulary can cost more than a small network
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
    """Chooses the next token of every row: a logits processor for a greedy `generate`.

    Rows with temperature 0 keep their likeliest token. One object serves one batch.
    """

    def __init__(self, requests: Sequence[Request], device: Any) -> None:
        import torch

        decodings = [request.decoding for request in requests]
        rows = [row for row, decoding in enumerate(decodings) if decoding.temperature]
        steps = max(decoding.max_tokens for decoding in decodings)
        numbers = [noise(requests[row].seed, steps) for row in rows]
        exact = {"dtype": torch.float64, "device": device}
        self._rows_S = torch.tensor(rows, dtype=torch.long, device=device)
        self._uniform_S_T = torch.tensor(numbers, **exact)
        self._temperature_S = torch.tensor([decodings[row].temperature for row in rows], **exact)
        self._top_p_S = torch.tensor([decodings[row].top_p for row in rows], **exact)
        self._n_top = max(decoding.top_logprobs for decoding in decodings)
        self._broken = torch.zeros((), dtype=torch.bool, device=device)
        self._step = 0
        self.scored: list[list[Scored]] = [[] for _ in requests]
        """Of each row, one for each step, if any row asks for log-probabilities."""

    @property
    def broken(self) -> bool:
        """Whether some row had no largest logit: not a number, or infinite."""
        return bool(self._broken)

    def __call__(self, _ids_B_T: "Tensor", logits_B_V: "Tensor") -> "Tensor":
        """Scores whose largest is the token that was drawn."""
        self._broken |= ~logits_B_V.amax(-1).isfinite().all()
        if not (len(self._rows_S) or self._n_top):
            return logits_B_V
        tokens_B = self._choose(logits_B_V)
        if self._n_top:
            rows = zip(self.scored, score(logits_B_V, tokens_B, self._n_top), strict=True)
            for known, scored in rows:
                known.append(scored)
        self._step += 1
        return logits_B_V.scatter(1, tokens_B[:, None], float("inf"))

    def _choose(self, logits_B_V: "Tensor") -> "Tensor":
        tokens_B = logits_B_V.argmax(-1)
        if len(self._rows_S):
            tokens_B[self._rows_S] = draw(
                logits_B_V[self._rows_S],
                self._temperature_S,
                self._top_p_S,
                self._uniform_S_T[:, self._step],
            )
        return tokens_B


class Ends:
    """Ends a row at its own limit or stop string: a stopping criterion for `generate`.

    Args:
        requests: The rows of the batch.
        width: Positions of the padded prompts.
        decode: Token ids to text.
    """

    def __init__(
        self, requests: Sequence[Request], width: int, decode: Callable[[list[int]], str]
    ) -> None:
        self._stops = [request.decoding.stop for request in requests]
        self._width = width
        self._decode = decode
        self.lengths = [request.decoding.max_tokens for request in requests]
        """Tokens of each row, its stop string included."""

    def __call__(self, ids_B_T: "Tensor", *_: Any) -> "Tensor":
        """Whether each row has ended, as booleans [B]."""
        import torch

        step = ids_B_T.shape[1] - self._width
        for row, stop in enumerate(self._stops):
            if stop and step < self.lengths[row] and self._says(stop, ids_B_T[row, self._width :]):
                self.lengths[row] = step
        return torch.tensor([step >= end for end in self.lengths], device=ids_B_T.device)

    def _says(self, stop: tuple[str, ...], ids_T: "Tensor") -> bool:
        # Each token adds a byte or more, so the end of the text tells. Four tokens more, as a
        # character can begin up to three bytes earlier and a first token can lose its space.
        n = max(len(text.encode()) for text in stop) + 4
        tail = self._decode(ids_T[-n:].tolist())
        return any(text in tail for text in stop)
