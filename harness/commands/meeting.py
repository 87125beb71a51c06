"""Two checkpoints that meet: their answers to the same prompts, before one judge."""

from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

from harness.commands.budget import Bought, bought
from harness.commands.models import Models, Wrap, doubts, unwrapped
from harness.commands.plan import Plan, Question, plan, questions
from harness.models.replay import Replay
from harness.pairing import MEAN, head_to_head, in_both_orders, meetings
from harness.pipeline import Answers, Result
from harness.report.head_to_head import Match
from harness.spec import Checkpoint
from harness.types import Benchmark, Item, Judge


class Entrant(NamedTuple):
    """A checkpoint with what it answers, or is foreseen to answer."""

    checkpoint: Checkpoint
    answers: Answers


@dataclass(frozen=True, slots=True)
class Meeting:
    """Two entrants, judged in both orders."""

    first: Entrant
    second: Entrant
    benchmark: Benchmark
    """With the second's answers in the place of its baseline's."""
    judge: str
    models: Models

    @property
    def name(self) -> str:
        """Who meets whom."""
        return f"{self.first.checkpoint.name} vs {self.second.checkpoint.name}"

    def open_judge(self, wrap: Wrap = unwrapped) -> Judge:
        """The judge.

        Args:
            wrap: What is put around each model that it asks.
        """
        return self.models.judge(self.judge, self.benchmark, None, wrap)

    def plan(self) -> Plan:
        """What the judge would be asked."""
        said = _recording(self.first.answers)
        assets = self.models.assets
        return plan(self.name, self.benchmark, said, self.judge, self.open_judge, assets)

    def questions(self) -> list[Question]:
        """The same, question by question."""
        generations = self.first.answers.generations
        return questions(self.open_judge, self.benchmark.compare(generations, self.models.assets))

    def bought(self) -> Bought:
        """What of it is stored."""
        generations = self.first.answers.generations
        return bought(self.name, self.benchmark, generations, self.open_judge, self.models.assets)

    def match(self, result: Result) -> Match:
        """The result, with what gives reason to doubt it, and an item for each prompt."""
        both = self.first.checkpoint, self.second.checkpoint
        doubted = [f"{c.name}: {why}" for c in both for why in doubts(c, result.judge)]
        main, *others = result.scores
        marked = replace(main, doubts=(*main.doubts, *doubted))
        items = [Item(one.id, one.value, one.cause) for one in meetings(result.verdicts)]
        told = replace(result, scores=[marked, *others], items=items)
        return Match(both[0].name, both[1].name, told)


def facing(benchmark: Benchmark, opponent: Answers, ties: str) -> Benchmark:
    """The benchmark with a checkpoint's answers in the place of its baseline's, in both orders.

    Args:
        benchmark: Whose prompts they answer.
        opponent: The checkpoint's.
        ties: What a prompt adds to a win rate: one of `pairing.TIES`.
    """
    identity = {f"model baseline {key}": value for key, value in opponent.identity.items()}
    counted = {} if ties == MEAN else {"ties": ties}
    return replace(
        benchmark,
        grader=benchmark.duel or benchmark.grader,
        compare=in_both_orders(opponent.generations, benchmark.turns),
        aggregate=partial(head_to_head, ties=ties),
        identify=lambda _: {"model baseline": opponent.model, **identity, **counted},
    )


def _recording(answers: Answers) -> Replay:
    """The answers as a model that need not be asked."""
    said = {(one.prompt.turns, one.prompt.system): one.responses for one in answers.generations}
    return Replay(answers.model, said, "")
