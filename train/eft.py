"""Teaching a model to judge (EFT): judgments that agree with people, and how well it then does.

A file of ranked responses has a prompt in each row, two responses or more, and people's ranks::

    {"prompt": "...", "responses": [{"text": "...", "rank": 1}, {"text": "...", "rank": 2}]}

Source: arXiv 2401.10020, sections 2.1 and 3.1.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.errors import DataError, ModelError
from harness.stats.agreement import Rated, agreement, same_order
from harness.types import Comparison, Decoding, Generation, Judge, Prompt, Response, Score, Verdict
from train.data.rated import rate
from train.examples import Answer, Example
from train.prompts import read_rows


class RankedResponse(BaseModel):
    """A response with its place among the others."""

    model_config = ConfigDict(frozen=True, strict=True)

    text: str
    rank: int
    """The lowest is the best; equal ranks are a tie."""


class Ranked(BaseModel):
    """A prompt with responses that people ranked."""

    model_config = ConfigDict(frozen=True, strict=True)

    prompt: str
    responses: list[RankedResponse] = Field(min_length=2)

    @property
    def ranks(self) -> list[int]:
        """Of the responses, in their order."""
        return [response.rank for response in self.responses]

    def generations(self, number: int) -> list[Generation]:
        """The responses as if a model had given them."""
        asked = Prompt(f"eft/{number}", (self.prompt,), Decoding(max_tokens=0))
        return [Generation(asked, "people", (Response(one.text),)) for one in self.responses]


def read_ranked(source: str, folder: Path) -> list[Ranked]:
    """The ranked responses of a source that `read_rows` takes, in order; other columns are ignored.

    Raises:
        DataError: It is not to be had, or a row is not of the form above.
    """
    return [
        _checked(row, f"{source}, row {number}")
        for number, row in enumerate(read_rows(source, folder), 1)
    ]


def demonstrations(
    ranked: Sequence[Ranked], judge: Judge, say: Callable[[str], None], *, seed: int = 0
) -> list[Example]:
    """The judge's answers on prompts where its ratings order all responses as people do.

    Most ratings are alike, 4 in the paper, and would be all that is learnt: of the commonest, as
    many are kept, by chance, as there are of the next. The paper does not say how many it kept.

    Args:
        ranked: What is judged, each response once.
        judge: A model with a rubric that rates.
        say: Is told how many judgments were dropped, and why.
        seed: Of the chance.

    Returns:
        What the judge was asked, with what it answered, in the order of the prompts.

    Raises:
        ModelError: No prompt is ordered as people order it, or the judge gives no reasons.
    """
    groups = list(_judged(ranked, judge))
    agreeing = [
        group
        for one, group in zip(ranked, groups, strict=True)
        if same_order(Rated(one.ranks, [verdict.value for verdict in group]))
    ]
    unread = sum(verdict.value is None for group in groups for verdict in group)
    told = (
        f"{len(agreeing)} of {len(ranked)} prompts are ordered by '{judge.name}' as by people; "
        f"{unread} of {sum(map(len, groups))} judgments unread"
    )
    if not agreeing:
        raise ModelError(f"expected judgments to learn from, came none: {told}; ask a better judge")
    verdicts = [verdict for group in agreeing for verdict in group]
    kept = _balanced(verdicts, Random(seed))
    say(f"{told}; {len(kept)} of {len(verdicts)} judgments kept after balancing their ratings")
    return [_example(verdict) for verdict in kept]


def measure(ranked: Sequence[Ranked], judges: Sequence[Judge]) -> list[Score]:
    """How far ratings agree with people's ranks, by `harness.stats.agreement`.

    Args:
        ranked: Responses that nobody was trained on.
        judges: Samples of one judge; a response's rating is the mean of those that were read.

    Raises:
        DataError: There are no ranked responses.
    """
    rated = rate([one.generations(number) for number, one in enumerate(ranked)], judges)
    return agreement(
        [
            Rated(one.ranks, [rating.value for rating in ratings])
            for one, ratings in zip(ranked, rated, strict=True)
        ]
    )


def _checked(row: dict[str, object], where: str) -> Ranked:
    try:
        return Ranked.model_validate(row)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise DataError(
            f"{where}: expected a prompt with two or more responses, each with text and rank, came "
            f"'{place}' with a fault: {first['msg']}; correct the row"
        ) from error


def _judged(ranked: Sequence[Ranked], judge: Judge) -> Iterator[list[Verdict]]:
    """The verdicts on each prompt's responses."""
    groups = [one.generations(number) for number, one in enumerate(ranked)]
    verdicts = iter(judge([Comparison(response) for group in groups for response in group]))
    return ([next(verdicts) for _ in group] for group in groups)


def _balanced(verdicts: Sequence[Verdict], random: Random) -> list[Verdict]:
    """All of them but for some of the commonest rating, in order."""
    counts = Counter(verdict.value for verdict in verdicts).most_common(2)
    if len(counts) < 2:
        return list(verdicts)
    (commonest, many), (_, fewer) = counts
    places = [place for place, verdict in enumerate(verdicts) if verdict.value == commonest]
    dropped = set(random.sample(places, many - fewer))
    return [verdict for place, verdict in enumerate(verdicts) if place not in dropped]


def _example(verdict: Verdict) -> Example:
    if verdict.raw is None:
        raise ModelError(
            f"expected a judge that gives its reasons, came '{verdict.judge}', which decides by "
            "program; name a model"
        )
    asked = verdict.raw.prompt
    return Example(asked.turns, (Answer(verdict.raw.text),), system=asked.system)
