"""What a user asks of `score`."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from harness import registry
from harness.commands.models import SELF
from harness.errors import SpecError
from harness.names import takes_part
from harness.spec import Series
from harness.types import ModelOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRequest:
    """What the user asked for."""

    what: Sequence[str]
    """One series file, or model names."""
    benchmarks: Sequence[str]
    judge: str | None = None
    gold_judge: str | None = None
    """A better judge, asked about a few prompts alone."""
    gold_n: int = 100
    """About how many."""
    baseline: str | None = None
    """A model whose answers take the place of the published baseline's."""
    limit: int | None = None
    by: str | None = None
    """A file of classes of the prompts, by which results are broken down."""
    judgments: str | None = None
    """Published judgments of the one model, imported rather than bought again."""
    decoding: Mapping[str, float | None] = field(default_factory=dict)
    """Fields of the candidates' decoding that are set here; None leaves them as they are."""
    options: ModelOptions = field(default_factory=ModelOptions)
    store: Path = Path("results/store.sqlite")
    out: Path = Path("results")
    dry_run: bool = False
    show_prompts: bool = False
    """Whether the first prompts are printed, and their digest becomes part of the identity."""
    budget: float | None = None
    """USD that all that was ever asked under the run's name may cost."""
    batch: bool = False
    """Whether providers that sell batches are asked by batch."""
    until_decided: bool = False
    """Whether no more prompts are judged than decide who is better than the one before."""
    items: bool = False
    canary: bool = False
    """Whether each judge is asked pinned questions before and after the run."""

    def deciding(self) -> dict[str, Any]:
        """What of it decides the scores, as data."""
        kept = ["what", "benchmarks", "judge", "baseline", "limit", "decoding", "options"]
        everything = asdict(self)
        return {key: everything[key] for key in (*kept, "gold_judge", "gold_n", "until_decided")}


def check_until(request: ScoreRequest, series: Series) -> None:
    """What cannot stop on the way.

    Raises:
        SpecError: It was asked to.
    """
    if not request.until_decided:
        return
    judge = request.judge or series.judge or ""
    together = {"--batch": request.batch, "--gold-judge": request.gold_judge is not None}
    wrong = [name for name, given in together.items() if given]
    wrong += ["a checkpoint as its own judge"] if takes_part(SELF, judge) else []
    wrong += ["a single checkpoint"] if len(series.checkpoints) < 2 else []
    wrong += [f"samples of {c.name}" for c in series.checkpoints if c.samples > 1]
    rating = [b for b in request.benchmarks if registry.benchmark(b).duel is not None]
    wrong += [f"{name}, which rates answers" for name in rating]
    if wrong:
        raise SpecError(
            f"expected --until-decided with preferences of several checkpoints by another judge, "
            f"came {', '.join(wrong)}; leave it out"
        )
