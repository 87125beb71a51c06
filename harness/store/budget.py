"""A model that asks only what a budget allows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import accumulate

from harness.errors import BudgetError
from harness.pricing import most
from harness.store.batches import Batches
from harness.store.database import Store
from harness.types import UNWATCHED, Generation, Model, Prompt, Watch

_ROUNDING = 1e-9
"""USD; what sums of prices may be off by."""
_MARGIN = 1.05
"""Tokens are estimated before they are paid, in sum up to 2 % too low."""


@dataclass(frozen=True, slots=True)
class Budgeted:
    """Never starts a call whose highest price would take the run's spend over the budget.

    It asks in rounds: whatever is affordable if every answer were as long as it may be, then, since
    most are shorter, what the rest of the money affords. What is bought of a longer list is spread
    over it as by chance, and equally for every checkpoint, so that it tells of the whole.
    """

    model: Model
    store: Store
    run: str
    """Whose spend is limited: all that was ever bought under this name counts."""
    usd: float
    batched: bool = False
    """Whether the model behind buys by batch."""

    @property
    def name(self) -> str:
        """The model's own name."""
        return self.model.name

    @property
    def identity(self) -> Mapping[str, str]:
        """The model's own identity."""
        return self.model.identity

    def generate(self, prompts: Sequence[Prompt], watch: Watch = UNWATCHED) -> list[Generation]:
        """One generation per prompt, in the order of the prompts.

        Raises:
            BudgetError: Some prompts were not asked; the answers to the others are stored.
            ModelError: Some calls failed for good.
        """
        bought = self._bought(prompts)
        open_prompts = sorted(prompts, key=lambda prompt: (prompt not in bought, _lot(prompt)))
        answers: dict[Prompt, Generation] = {}
        while open_prompts:
            affordable = self._affordable(open_prompts)
            if not affordable:
                raise BudgetError(
                    f"the budget of {self.usd:.2f} USD does not allow {len(open_prompts)} more "
                    f"questions to {self.name}"
                )
            some, open_prompts = open_prompts[:affordable], open_prompts[affordable:]
            answers.update(zip(some, self.model.generate(some, watch), strict=True))
        return [answers[prompt] for prompt in prompts]

    def _affordable(self, prompts: Sequence[Prompt]) -> int:
        """How many of the first prompts can be asked; what is in a batch is bought already."""
        left = self.usd - self.store.owed(self.run) + _ROUNDING
        bought = self._bought(prompts)
        prices = [0.0 if p in bought else self._most(p) for p in prompts]
        return sum(total <= left for total in accumulate(prices))

    def _bought(self, prompts: Sequence[Prompt]) -> set[Prompt]:
        return Batches(self.store, self.name, self.identity).held(prompts)

    def _most(self, prompt: Prompt) -> float:
        price = most(self.name, [prompt], batched=self.batched)
        return float("inf") if price is None else price * _MARGIN


def _lot(prompt: Prompt) -> bytes:
    """The prompt's place in a fixed disorder, the same whoever answered or judges."""
    return sha256(prompt.id.encode("utf-8", "surrogatepass")).digest()
