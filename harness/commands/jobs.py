"""What a run of `score` has to do: each checkpoint on each benchmark, once or several times."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from harness.chambers import Resampled
from harness.commands.models import SELF, Models, Wrap, unwrapped
from harness.errors import SpecError
from harness.names import repeats, takes_part
from harness.pipeline import is_drawn, load, resampled
from harness.spec import Checkpoint
from harness.types import Assets, Benchmark, Judge, Model, Rubric


class Job(NamedTuple):
    """One checkpoint on one benchmark."""

    checkpoint: Checkpoint
    benchmark: Benchmark
    judge: str
    model: Model
    """The checkpoint's own."""
    sample: int = 0
    """Which answer to each prompt; only the first is the checkpoint's score."""

    @property
    def name(self) -> str:
        """What its result is called."""
        return self.checkpoint.called(self.sample)

    def opened(self, models: Models, wrap: Wrap = unwrapped) -> Judge:
        """The judge of its answers.

        A judge that is asked repeatedly is asked anew about each sample, even where the answer is
        the same: else its noise there would be taken for a lack of chance in answering.

        Args:
            models: Opens what it asks.
            wrap: What is put around each model that it asks.
        """
        passed = self.sample * repeats(self.judge)

        def again(model: Model, rubric: Rubric) -> Model:
            wrapped = wrap(model, rubric)
            return Resampled(wrapped, passed) if passed else wrapped

        return models.judge(self.judge, self.benchmark, self.model, again)

    @property
    def is_audited(self) -> bool:
        """Whether the checkpoint judges itself, and so is tried as a judge."""
        return not self.sample and takes_part(SELF, self.judge)

    @property
    def place(self) -> tuple[str | None, str]:
        """Where it stands in the run."""
        return self.name, self.benchmark.card.label


def with_samples(jobs: Sequence[Job], assets: Assets) -> Iterator[Job]:
    """The jobs of one checkpoint, then all of them for each further sample, where one is drawn.

    Raises:
        SpecError: Several samples were asked for, and they would all be the same.
    """
    yield from jobs
    checkpoint = jobs[0].checkpoint
    if checkpoint.samples == 1:
        return
    drawn = [job for job in jobs if any(map(is_drawn, load(job.benchmark, assets)))]
    if not drawn:
        raise SpecError(
            f"expected a temperature above 0 for {checkpoint.samples} samples of "
            f"'{checkpoint.name}', came none, without which all are the same; set one, or leave "
            f"samples out"
        )
    for sample in range(1, checkpoint.samples):
        for job in drawn:
            yield job._replace(benchmark=resampled(job.benchmark, sample), sample=sample)
