"""Prompts with choices, answered: how likely each choice is after each turn."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.models.local.pairs import Pairs, Row, Told
from harness.types import GIVEN, LIKELIEST, Generation, Prompt, Response, Token, Usage


@dataclass(frozen=True, slots=True)
class Likelihood:
    """Log-probabilities of choices, by one network."""

    name: str
    """Of the model."""
    model: Any
    """A causal language model of transformers."""
    pairs: Pairs
    context: Callable[[Prompt, str], str]
    """What a choice follows: the text that a turn of a prompt becomes."""
    pieces: dict[int, str] = field(default_factory=dict)
    """Texts of tokens, as far as they were needed."""

    def answer(self, prompts: Sequence[Prompt]) -> list[Generation]:
        """A generation for each prompt, with a response for each turn and choice.

        Raises:
            ModelError: The logits are not numbers, or a row does not fit into memory.
        """
        from harness.models.local.scoring import score

        asked = [self._rows(prompt) for prompt in prompts]
        told = iter(score(self.model, [row for rows in asked for part in rows for row in part]))
        pairs = zip(prompts, asked, strict=True)
        return [self._generation(prompt, rows, told) for prompt, rows in pairs]

    def _rows(self, prompt: Prompt) -> list[list[Row]]:
        """The rows of each response; none where there is a failure."""
        found = self._found(prompt)
        if any(isinstance(row, str) for part in found for row in part):
            return []
        return [[row for row in part if isinstance(row, Row)] for part in found]

    def _found(self, prompt: Prompt) -> list[list[Row | str]]:
        if not prompt.turns:
            return [self.pairs.windows(text) for text in prompt.choices]
        contexts = [self.context(prompt, turn) for turn in prompt.turns]
        return [[row] for row in self.pairs.rows(contexts, prompt.choices)]

    def _generation(
        self, prompt: Prompt, rows: Sequence[Sequence[Row]], told: Iterator[Told]
    ) -> Generation:
        if not rows:
            causes = (row for part in self._found(prompt) for row in part if isinstance(row, str))
            return Generation(prompt, self.name, (), next(causes))
        texts = prompt.choices * (len(rows) // len(prompt.choices))
        responses = (
            self._response(text, part, [next(told) for _ in part])
            for text, part in zip(texts, rows, strict=True)
        )
        return Generation(prompt, self.name, tuple(responses))

    def _response(self, text: str, rows: Sequence[Row], told: Sequence[Told]) -> Response:
        return Response(
            text,
            LIKELIEST if all(one.likeliest for one in told) else GIVEN,
            tuple(
                Token(self._piece(target), logprob, ())
                for row, one in zip(rows, told, strict=True)
                for target, logprob in zip(row.targets, one.logprobs, strict=True)
            ),
            Usage(sum(len(row.ids) + 1 for row in rows), 0),
            cut=sum(row.cut for row in rows),
        )

    def _piece(self, token: int) -> str:
        if token not in self.pieces:
            decode = self.pairs.tokenizer.decode
            self.pieces[token] = decode([token], clean_up_tokenization_spaces=False)
        return self.pieces[token]
