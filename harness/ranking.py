"""Ranks several responses to one prompt by a judge that compares two at a time."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from harness.errors import ModelError, SpecError
from harness.types import UNWATCHED, Comparison, Generation, Judge, Model, Prompt, Verdict, Watch

Matrix = NDArray[np.float64]
_Texts = tuple[str, ...]


def preferences(groups: Sequence[Sequence[Generation]], judge: Judge) -> list[Matrix]:
    """How likely each response to a prompt beats each other one, for every prompt.

    The judge is called once, for everything: each two different texts of a group, in both orders.

    Source: the matrix of arXiv 2405.00675v5, algorithm 1, which says nothing of the orders.

    Args:
        groups: The K responses to each prompt. A refused one is compared with nothing.
        judge: One that prefers, not one that rates.

    Returns:
        An array of shape [K, K] for each group. Entry [i, j] is the probability that i beats j:
        the mean of what the two orders say, or what one says if the other is unread; NaN if both
        are. The diagonal and equal texts are 1/2.

    Raises:
        ModelError: A verdict is no preference in [0, 1].
    """
    asked = contests(groups)
    verdicts = judge([Comparison(one, other) for _, one, other in asked])
    said = {
        (number, _texts(one), _texts(other)): _preference(verdict)
        for (number, one, other), verdict in zip(asked, verdicts, strict=True)
    }
    return [_matrix(number, group, said) for number, group in enumerate(groups)]


def contests(
    groups: Sequence[Sequence[Generation]],
) -> list[tuple[int, Generation, Generation]]:
    """What is compared: each two different texts of a group, in both orders.

    Args:
        groups: The responses to each prompt.

    Returns:
        The number of the group, and the two.
    """
    return [
        (number, one, other)
        for number, group in enumerate(groups)
        for one, other in permutations(_distinct(group), 2)
    ]


def _texts(generation: Generation) -> _Texts:
    """What was answered, turn by turn; empty only for a refusal."""
    return tuple(response.text for response in generation.responses)


def _distinct(group: Sequence[Generation]) -> list[Generation]:
    """The first response of each text."""
    first: dict[_Texts, Generation] = {}
    for generation in group:
        first.setdefault(_texts(generation), generation)
    first.pop((), None)
    return list(first.values())


def _preference(verdict: Verdict) -> float:
    if verdict.value is None:
        return math.nan
    if not 0 <= verdict.value <= 1:
        raise ModelError(
            f"expected preferences in [0, 1] from the judge '{verdict.judge}', came "
            f"{verdict.value:g}; use a judge that compares two responses"
        )
    return verdict.value


def _matrix(
    number: int, group: Sequence[Generation], said: Mapping[tuple[int, _Texts, _Texts], float]
) -> Matrix:
    texts = [_texts(generation) for generation in group]
    first_K_K = np.array(
        [
            [0.5 if a == b != () else said.get((number, a, b), math.nan) for b in texts]
            for a in texts
        ]
    ).reshape(len(texts), len(texts))
    second_K_K = 1 - first_K_K.T
    either_K_K = np.where(np.isnan(first_K_K), second_K_K, first_K_K)
    both_K_K = (first_K_K + second_K_K) / 2
    matrix_K_K = np.where(np.isnan(both_K_K), either_K_K, both_K_K)
    np.fill_diagonal(matrix_K_K, 0.5)
    return matrix_K_K


@dataclass(frozen=True, slots=True)
class BestOf:
    """A model whose answer is the one of several samples that a judge prefers to the others.

    What is asked of the model and of the judge is kept and shown where they are wrapped so, not
    around this.

    Source: best-of-16 of arXiv 2405.00675v5, with the mean preference of every response
    over all samples. The default of the ranker used there looks at n - 1 pairs only.
    """

    model: Model
    judge: Judge
    n: int
    """Samples of each prompt, at least 1. At temperature 0 they are all the same."""

    @property
    def name(self) -> str:
        """The model's name and the number of samples."""
        return f"{self.model.name} best of {self.n}"

    @property
    def identity(self) -> Mapping[str, str]:
        """The identities of model and judge, and the number of samples."""
        judge = {f"judge {key}": value for key, value in self.judge.identity.items()}
        return {**self.model.identity, **judge, "best of": str(self.n)}

    def generate(self, prompts: Sequence[Prompt], watch: Watch = UNWATCHED) -> list[Generation]:
        """One generation per prompt, in the order of the prompts.

        A prompt is refused if all its samples are, or if no two of them could be compared. The
        watch sees a prompt start with the first of its samples that is really asked for, and all
        answers when the judge has spoken.

        Raises:
            ModelError: The model or the judge failed for good.
            SpecError: All samples would be the same.
        """
        if prompts and all(prompt.decoding.temperature == 0 for prompt in prompts):
            raise SpecError(
                f"expected a temperature above 0 for the best of {self.n} samples, came 0, at "
                f"which all are the same; set one, or leave best_of out"
            )
        askers = {sample: prompt for prompt in prompts for sample in self.samples(prompt)}
        asked = [sample for prompt in prompts for sample in self.samples(prompt)]
        samples = iter(self.model.generate(asked, _FirstSamples(watch, askers)))
        groups = [
            [replace(next(samples), prompt=prompt, model=self.name) for _ in range(self.n)]
            for prompt in prompts
        ]
        matrices = preferences(groups, self.judge)
        best = [self._best(*pair) for pair in zip(groups, matrices, strict=True)]
        watch.finished(best)
        return best

    def missing(self, prompts: Sequence[Prompt]) -> list[Prompt]:
        """All of them: which sample is the best is not kept, though samples and judgments are."""
        return list(prompts)

    def samples(self, prompt: Prompt) -> list[Prompt]:
        """The prompt n times; a prompt that is a sample itself shares none with its siblings."""
        first = prompt.decoding.sample * self.n
        return [
            replace(prompt, id=f"{prompt.id}/{k}", decoding=replace(prompt.decoding, sample=k))
            for k in range(first, first + self.n)
        ]

    def _best(self, group: Sequence[Generation], matrix_K_K: Matrix) -> Generation:
        distinct = _distinct(group)
        if len(distinct) < 2:
            return distinct[0] if distinct else group[0]
        texts = [_texts(generation) for generation in group]
        rivals_K_K = np.array([[a != b for b in texts] for a in texts])
        compared_K = (rivals_K_K & ~np.isnan(matrix_K_K)).any(1)
        if not compared_K.any():
            cause = f"'{self.judge.name}' could not compare any two of {self.n} responses"
            return Generation(group[0].prompt, self.name, (), cause)
        means_K = np.where(compared_K, np.nanmean(matrix_K_K, 1), -np.inf)
        return group[int(means_K.argmax())]


class _FirstSamples:
    """Tells of a prompt when the first of its samples is asked for."""

    def __init__(self, watch: Watch, askers: Mapping[Prompt, Prompt]) -> None:
        self._watch, self._askers = watch, askers
        self._waiting = {prompt: prompt for prompt in askers.values()}

    def started(self, prompts: Sequence[Prompt], /) -> None:
        # Popping is atomic: of several threads, one tells.
        popped = [self._waiting.pop(self._askers[sample], None) for sample in prompts]
        if first := [prompt for prompt in popped if prompt]:
            self._watch.started(first)

    def finished(self, generations: Sequence[Generation], /) -> None:
        pass
