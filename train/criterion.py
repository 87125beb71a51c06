"""An objective with its settings: what it reads of a batch, and what its loss is divided by."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from inspect import Parameter, signature
from typing import NamedTuple

import torch
from torch import Tensor, distributed

from harness.errors import DataError
from train.forward import Batch
from train.objectives import OBJECTIVES, Objective
from train.rows import Row


class Seen(NamedTuple):
    """What a step knows of its rows."""

    batch: Batch
    logps_B_R: Tensor
    """Log-probabilities of the responses under the policy."""

    @property
    def ratio_B_R(self) -> Tensor:
        """Log-ratios of the responses, zeros where there is no reference."""
        reference_B_R = self.batch.reference_B_R
        return self.logps_B_R - (self.logps_B_R if reference_B_R is None else reference_B_R)

    @property
    def mean_logp_B_R(self) -> Tensor:
        """Log-probability per token."""
        return self.logps_B_R / self.batch.lengths_B_R


def _mean_over_ranks(value_B: Tensor, counted_B: Tensor) -> Tensor:
    """The mean over the counted rows of all processes of the training."""
    totals = torch.stack([(value_B * counted_B).sum(), counted_B.sum()])
    if distributed.is_available() and distributed.is_initialized():
        distributed.all_reduce(totals)
    return totals[0] / totals[1]


_SHAPE = re.compile(r"(_[A-Z])+$")
"""How the name of a tensor ends: `candidates_B_N`."""

# Parameters of objectives that are not simply a fact of the row.
_READS: Mapping[str, Callable[[Seen], Tensor]] = {
    "chosen_B": lambda seen: seen.ratio_B_R[:, 0],
    "rejected_B": lambda seen: seen.ratio_B_R[:, 1],
    "chosen_lengths_B": lambda seen: seen.batch.lengths_B_R[:, 0],
    "rejected_lengths_B": lambda seen: seen.batch.lengths_B_R[:, 1],
    "ratio_B": lambda seen: seen.ratio_B_R[:, 0],
    "desirable_B": lambda seen: seen.batch.facts["desirable"] > 0,
    "kl": lambda seen: _mean_over_ranks(seen.ratio_B_R[:, 1].detach(), seen.batch.counted_B),
    "logps_B": lambda seen: seen.logps_B_R[:, 0],
    "candidates_B_N": lambda seen: seen.mean_logp_B_R[:, :-1],
    "original_B": lambda seen: seen.mean_logp_B_R[:, -1],
}
_OF: Mapping[str, str | None] = {
    "chosen_lengths_B": "chosen",
    "rejected_lengths_B": "rejected",
    "ratio_B": "chosen",  # of pairs that were taken apart, like the next two
    "desirable_B": "chosen",
    "kl": "rejected",
    "logps_B": None,  # the first response, which every example has
}
"""What of an example it is read of; everything else of what bears its name."""
_RATIOS = {"chosen_B", "rejected_B", "ratio_B"}
_FEWEST = {"rejected_B": 2, "kl": 2, "original_B": 3}
"""Responses that a row must have for it; 1 for everything else."""


@dataclass(frozen=True)
class Criterion:
    """An objective by name, with its settings."""

    name: str
    settings: Mapping[str, float]

    @cached_property
    def objective(self) -> Objective:
        """The function of train/objectives.py."""
        return OBJECTIVES[self.name]

    @property
    def reads(self) -> list[str]:
        """What the objective reads of a batch, by the names of its parameters."""
        return [p.name for p in self._parameters() if p.kind is not Parameter.KEYWORD_ONLY]

    @property
    def needs(self) -> frozenset[str]:
        """What examples must have for it, by the names that `makes` of train/data/ goes by."""
        of = (_OF.get(name, _SHAPE.sub("", name)) for name in self.reads)
        return frozenset(name for name in of if name)

    @property
    def needs_reference(self) -> bool:
        """Whether it compares the policy with the reference."""
        return not _RATIOS.isdisjoint(self.reads)

    @property
    def beta(self) -> float:
        """What a nat of log-ratio is worth as the implicit reward: beta, or SPPO's 1 / eta."""
        settings = self.settings
        return settings["beta"] if "beta" in settings else 1 / settings["eta"]

    @property
    def is_unpaired(self) -> bool:
        """Whether it reads single responses, each with one to another prompt."""
        return "kl" in self.reads

    def check_rows(self, rows: list[Row]) -> None:
        """Sees that the rows hold what the objective reads.

        Raises:
            DataError: There are none, or they lack a response or a fact.
        """
        if not rows:
            raise DataError("expected examples to train on, came none")
        facts = [name.removesuffix("_B") for name in self.reads if name not in _READS]
        facts += ["desirable"] if "desirable_B" in self.reads else []
        fewest = max(_FEWEST.get(name, 1) for name in self.reads)
        counts = {len(row.responses) for row in rows}
        absent = [name for name in facts if any(name not in row.facts for row in rows)]
        if absent or len(counts) > 1 or min(counts) < fewest:
            raise DataError(
                f"expected rows of {fewest} or more responses, all alike, with {facts} for the "
                f"objective '{self.name}', came {sorted(counts)} responses without {absent}; "
                f"another kind of data makes them"
            )

    def losses(self, seen: Seen) -> Tensor:
        """Loss of each row, shape [B]; 0 if it does not count."""
        read = {
            name: _READS[name](seen) if name in _READS else seen.batch.facts[name[:-2]]
            for name in self.reads
        }
        return seen.batch.counted_B * self.objective(**read, **self.settings)

    def share(self, batch: Batch) -> Tensor:
        """By what the summed losses of a step are divided, each row's part of it, shape [B].

        Likelihoods are summed over tokens, so their mean is by token, weighted as they are; every
        other loss counts rows.
        """
        if "logps_B" not in self.reads:
            return batch.counted_B
        weight_B = batch.facts["weight"] if "weight_B" in self.reads else 1.0
        return batch.counted_B * weight_B * batch.lengths_B_R[:, 0]

    def _parameters(self) -> list[Parameter]:
        return list(signature(self.objective).parameters.values())
