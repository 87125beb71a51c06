"""Judges made of a model, and wrappers that are judges themselves; the pipeline knows neither."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from harness.errors import ModelError, SpecError
from harness.types import (
    Comparison,
    Generation,
    Grader,
    Judge,
    Matcher,
    Model,
    Prompt,
    Reporting,
    Rubric,
    Score,
    Unread,
    Verdict,
)


def shown(rubric: Rubric, comparison: Comparison) -> Comparison:
    """The comparison with its sides in the rubric's published order."""
    return comparison.swap() if rubric.shows_candidate_first(comparison) else comparison


def asking(grader: Grader) -> Rubric:
    """How a judge is asked.

    Raises:
        SpecError: Answers are matched, and no judge is asked.
    """
    if not isinstance(grader, Rubric):
        raise SpecError(
            f"expected a benchmark whose answers are judged, came one that matches them exactly "
            f"({grader.name}); leave the judge and its judgments out"
        )
    return grader


def both_texts(comparison: Comparison, rubric: str) -> tuple[str, str]:
    """What candidate and baseline said, for a rubric that compares them.

    Raises:
        SpecError: An answer stands alone.
    """
    ours, theirs = comparison.texts
    if theirs is None:
        raise SpecError(
            f"expected two answers to compare, came one ({comparison.candidate.prompt.id}); "
            f"'{rubric}' rates nobody alone: name a judge that does, such as additive:MODEL"
        )
    return ours, theirs


def judge_prompt(rubric: Rubric, comparison: Comparison) -> Prompt:
    """What the judge is asked about a comparison."""
    return rubric.ask(shown(rubric, comparison))


@dataclass(frozen=True, slots=True)
class LLMJudge:
    """Asks a model about each comparison, in the order in which its sides are given."""

    rubric: Rubric
    model: Model
    called: str | None = None
    """What the user called the judge, where that is not the model's name."""

    @property
    def name(self) -> str:
        """What the user called it: the model's name, unless it has one of its own."""
        return self.called or self.model.name

    @property
    def identity(self) -> Mapping[str, str]:
        """The model's identity, and the rubric by name and template."""
        rubric = {"rubric": self.rubric.name, "rubric sha256": self.rubric.digest}
        return {**self.model.identity, **rubric}

    def __call__(self, comparisons: Sequence[Comparison], /) -> list[Verdict]:
        """One verdict per comparison; an answer off the form asked is unread, with its cause."""
        answers = self.model.generate([self.rubric.ask(c) for c in comparisons])
        return [self._read(c, answer) for c, answer in zip(comparisons, answers, strict=True)]

    def _read(self, comparison: Comparison, answer: Generation) -> Verdict:
        if answer.failure is not None:
            return Verdict(comparison, self.name, None, f"judge refused: {answer.failure}", answer)
        value = self.rubric.read(answer)
        if isinstance(value, Unread):
            return Verdict(comparison, self.name, None, value.cause, answer)
        return Verdict(comparison, self.name, value, None, answer)


def as_published(rubric: Rubric, model: Model, called: str | None = None) -> Judge:
    """The model asked by the rubric: what is settled is not asked, sides stand in its order."""
    judge = LLMJudge(rubric, model, called)
    return Settled(Ordered(judge, rubric.shows_candidate_first))


@dataclass(frozen=True, slots=True)
class Matched:
    """Decides by a benchmark's own matcher; it asks nobody."""

    matcher: Matcher
    name: str = "exact"

    @property
    def identity(self) -> Mapping[str, str]:
        """The matcher by name and by what it matches against."""
        return {"matcher": self.matcher.name, "matcher sha256": self.matcher.digest}

    def __call__(self, comparisons: Sequence[Comparison], /) -> list[Verdict]:
        """One verdict per comparison, in the order of the comparisons."""
        return [self._verdict(comparison) for comparison in comparisons]

    def _verdict(self, comparison: Comparison) -> Verdict:
        value = self.matcher.match(comparison)
        if isinstance(value, Unread):
            return Verdict(comparison, self.name, None, value.cause)
        return Verdict(comparison, self.name, value)


@dataclass(frozen=True, slots=True)
class Ordered:
    """Shows some comparisons swapped, and turns those verdicts round again."""

    judge: Judge
    shows_candidate_first: Callable[[Comparison], bool]

    @property
    def name(self) -> str:
        """The judge's own name."""
        return self.judge.name

    @property
    def identity(self) -> Mapping[str, str]:
        """The judge's own identity."""
        return self.judge.identity

    def __call__(self, comparisons: Sequence[Comparison], /) -> list[Verdict]:
        """One verdict per comparison, each about the comparison as it was given."""
        swapped = [self.shows_candidate_first(comparison) for comparison in comparisons]
        pairs = zip(comparisons, swapped, strict=True)
        verdicts = self.judge([c.swap() if swap else c for c, swap in pairs])
        return [
            replace(verdict, comparison=comparison, value=_turned(verdict.value, swap=swap))
            for comparison, swap, verdict in zip(comparisons, swapped, verdicts, strict=True)
        ]


def reported(judge: Judge, verdicts: Sequence[Verdict]) -> list[Score]:
    """What the judge says of its own reliability; nothing, unless it is made of votes."""
    return judge.report(verdicts) if isinstance(judge, Reporting) else []


def turned(value: float, *, swap: bool) -> float:
    """The preference for the candidate, of a value for the side shown second."""
    return 1 - value if swap else value


def _turned(value: float | None, *, swap: bool) -> float | None:
    return None if value is None else turned(value, swap=swap)


@dataclass(frozen=True, slots=True)
class Settled:
    """Asks the judge only what is not settled: equal answers are a tie, a missing one is unread."""

    judge: Judge

    @property
    def name(self) -> str:
        """The judge's own name."""
        return self.judge.name

    @property
    def identity(self) -> Mapping[str, str]:
        """The judge's own identity."""
        return self.judge.identity

    def __call__(self, comparisons: Sequence[Comparison], /) -> list[Verdict]:
        """One verdict per comparison, in the order of the comparisons."""
        settled = [settle(comparison, self.name) for comparison in comparisons]
        asked = [c for c, verdict in zip(comparisons, settled, strict=True) if verdict is None]
        answers = iter(self.judge(asked))
        return [verdict or next(answers) for verdict in settled]

    def report(self, verdicts: Sequence[Verdict], /) -> list[Score]:
        """What the judge reports of those that it was asked about."""
        return reported(self.judge, [verdict for verdict in verdicts if verdict.votes])


def settle(comparison: Comparison, judge: str) -> Verdict | None:
    """The verdict that needs no judge, or None when one must be asked."""
    candidate, baseline = comparison.candidate, comparison.baseline
    if candidate.failure is not None:
        return Verdict(comparison, judge, None, cause=f"no response: {candidate.failure}")
    if baseline is not None and baseline.failure is not None:
        return Verdict(comparison, judge, None, cause=f"no response: {baseline.failure}")
    if baseline is None:
        return None
    alike = _said_until(candidate, comparison.turn) == _said_until(baseline, comparison.turn)
    return Verdict(comparison, judge, 0.5) if alike else None


def _said_until(generation: Generation, turn: int) -> list[str]:
    """All that was said until a turn: a later turn may be judged by what came before it."""
    return [response.text for response in generation.responses[: turn + 1 or None]]


_PROBES = 3


def require(model: Model, rubric: Rubric) -> None:
    """Asks the judge's model one short question, to see that it can answer as the rubric needs.

    The question holds the time, so that it is asked anew each time and never answered by a store.

    Raises:
        ModelError: It cannot be reached, or returns fewer log-probabilities than are read.
    """
    answer = _probed(model, rubric)
    if answer.failure is not None:
        raise ModelError(f"expected '{model.name}' to judge, but it refuses: {answer.failure}")
    needed = rubric.decoding.top_logprobs
    tokens = answer.responses[-1].tokens
    came = len(tokens[0].top) if tokens else 0
    if came < needed:
        raise ModelError(
            f"expected '{model.name}' to return the {needed} likeliest tokens with their "
            f"log-probabilities, which {rubric.name} reads; it returned {came}; "
            f"use a judge that does, or a server that passes `top_logprobs` on"
        )


def _probed(model: Model, rubric: Rubric) -> Generation:
    """The first of a few answers that says anything: a sampled one may end at once."""
    said: list[Generation] = []
    while len(said) < _PROBES and not (said and (said[-1].failure or said[-1].text)):
        question = f"Reply with one letter and nothing else. ({datetime.now(UTC).isoformat()})"
        said += model.generate([Prompt("probe", (question,), rubric.decoding)])
    return said[-1]
