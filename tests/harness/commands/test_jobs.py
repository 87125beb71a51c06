"""What a run has to do for checkpoints that are answered several times."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from harness.commands.jobs import Job, with_samples
from harness.errors import SpecError
from harness.models.scripted import Scripted
from harness.pipeline import decoded, load
from harness.spec import Checkpoint
from tests.harness.test_pipeline import ASSETS, nothing, tiny
from tests.records import card


def jobs(samples: int, **temperatures: float) -> list[Job]:
    """One checkpoint on a benchmark of each name, at its temperature."""
    checkpoint = Checkpoint(name="c", model="scripted:x", samples=samples)
    model = Scripted(lambda _: "x")
    return [
        Job(checkpoint, decoded(tiny(card=replace(card(), name=name)), warmth), "exact", model)
        for name, at in temperatures.items()
        for warmth in [{"temperature": at}]
    ]


def told(found: Sequence[Job]) -> list[tuple[str, str, int]]:
    """Names, benchmarks, and which sample is asked for."""
    return [
        (job.name, job.benchmark.card.name, load(job.benchmark, ASSETS)[0].decoding.sample)
        for job in found
    ]


def test_every_further_sample_is_a_job_where_answers_are_drawn() -> None:
    asked = jobs(3, warm=0.7, greedy=0.0)
    assert told([*with_samples(asked, ASSETS)]) == [
        ("c", "warm", 0),
        ("c", "greedy", 0),
        ("c-sample2", "warm", 1),
        ("c-sample3", "warm", 2),
    ]


def test_one_sample_is_what_a_checkpoint_is_asked_for() -> None:
    """And nobody looks at its prompts for that: some benchmarks have a hundred thousand."""
    asked = jobs(1, greedy=0.0)
    unread = asked[0]._replace(benchmark=replace(asked[0].benchmark, load=nothing))
    assert [*with_samples([unread], ASSETS)] == [unread]


def test_samples_of_greedy_answers_are_refused() -> None:
    with pytest.raises(SpecError, match="a temperature above 0 for 2 samples of 'c', came none"):
        [*with_samples(jobs(2, greedy=0.0), ASSETS)]
