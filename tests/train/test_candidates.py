"""Drawing candidates: `Trying` says the words that a test writes for each try."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from harness.types import UNWATCHED, Decoding, Generation, Prompt, Response, Watch
from train.candidates import draw, fault

WARM = Decoding(9, 1.0, 0.5)


@dataclass
class Trying:
    """Says of a prompt the samples written for this try; a text of "!" is refused."""

    tries: Mapping[str, Sequence[Sequence[str]]]
    name: str = "trying"
    identity: Mapping[str, str] = field(default_factory=dict)
    asked: list[list[Prompt]] = field(default_factory=list)

    def generate(self, prompts: Sequence[Prompt], watch: Watch = UNWATCHED) -> list[Generation]:
        self.asked.append(list(prompts))
        return [self._said(prompt) for prompt in prompts]

    def _said(self, prompt: Prompt) -> Generation:
        attempt = round(10 * prompt.decoding.temperature) - 10
        text = self.tries[prompt.turns[0]][attempt][prompt.decoding.sample]
        if text == "!":
            return Generation(prompt, self.name, (), "too long")
        return Generation(prompt, self.name, (Response(text),))


def drawn(limit: float, **tries: Sequence[Sequence[str]]) -> list[list[str]]:
    n = len(next(iter(tries.values()))[0])
    groups = draw(Trying(tries), list(tries), WARM, n=n, limit=limit)
    return [[one.text for one in group] for group in groups]


def test_prompts_whose_samples_differ_are_asked_once() -> None:
    """ROUGE-L of "a b c d e" and "a b c d f" is 2 x 4 / 10 = 0.8, of "a b" and "a c" 0.5."""
    model = Trying({"p": [["a b", "a c"]], "q": [["x", "y"]]})
    groups = draw(model, ["p", "q"], WARM, n=2, limit=0.8)
    assert [[one.text for one in group] for group in groups] == [["a b", "a c"], ["x", "y"]]
    assert len(model.asked) == 1


def test_samples_that_reach_the_limit_are_all_drawn_anew() -> None:
    tries = [["a b c d e", "a b c d f"], ["g h", "g i"]]
    assert drawn(0.8, p=tries) == [["g h", "g i"]]
    assert drawn(0.81, p=tries) == [["a b c d e", "a b c d f"]]


def test_one_pair_alike_is_enough() -> None:
    assert drawn(0.8, p=[["a", "b", "c", "b"], ["a", "b", "c", "d"]]) == [["a", "b", "c", "d"]]


def test_each_try_is_warmer_and_there_are_three() -> None:
    model = Trying({"p": [["a", "a"]] * 3, "q": [["x", "y"]]})
    draw(model, ["p", "q"], WARM, n=2, limit=0.8)
    decodings = [[asked.decoding for asked in asking] for asking in model.asked]
    first = [Decoding(9, 1.0, 0.5), Decoding(9, 1.0, 0.5, sample=1)]
    assert decodings == [
        first * 2,
        [Decoding(9, 1.1, 0.5), Decoding(9, 1.1, 0.5, sample=1)],
        [Decoding(9, 1.2, 0.5), Decoding(9, 1.2, 0.5, sample=1)],
    ]
    assert len({asked.id for asking in model.asked for asked in asking}) == 8


def test_the_try_that_is_least_alike_in_the_mean_is_kept() -> None:
    """Means 1, (1 + 0 + 0) / 3 and (2/3 + 2/3 + 2/3) / 3: the second, though never unlike enough.

    The last try, which ends the drawing, is the least alike by its largest, 2/3, not by its mean.
    """
    tries = [["a", "a", "a"], ["a", "a", "b"], ["a x b", "a x c", "a x d"]]
    assert drawn(0.8, p=tries) == [["a", "a", "b"]]


def test_equal_texts_are_alike_in_any_script() -> None:
    assert drawn(0.8, p=[["是", "是"], ["是", "否"]]) == [["是", "否"]]


def test_every_prompt_keeps_its_own_tries() -> None:
    assert drawn(0.8, p=[["a", "a"], ["b", "c"]], q=[["d", "e"]], r=[["f", "f"], ["g", "h"]]) == [
        ["b", "c"],
        ["d", "e"],
        ["g", "h"],
    ]


def test_a_refused_prompt_is_not_asked_again() -> None:
    model = Trying({"p": [["!", "!"]]})
    ((one, other),) = draw(model, ["p"], WARM, n=2, limit=0.8)
    assert (one.failure, other.failure) == ("too long", "too long")
    assert len(model.asked) == 1


def test_a_refusal_is_not_unlike_what_came() -> None:
    assert drawn(0.8, p=[["a", "a"], ["!", "b"]]) == [["a", "a"]]


def test_without_a_limit_there_is_one_try() -> None:
    model = Trying({"p": [["a", "a"]]})
    draw(model, ["p"], WARM, n=2)
    assert len(model.asked) == 1


def test_without_prompts_there_is_nothing_to_draw() -> None:
    assert draw(Trying({}), [], WARM, n=2) == []


@pytest.mark.parametrize(
    ("texts", "cause"),
    [
        (["a", "b"], None),
        (["a", "A"], None),
        (["a", "b", "a"], "with equal responses"),
        (["a", "!"], "without a response"),
        (["a", " \n"], "without a response"),
    ],
)
def test_only_different_texts_can_be_ordered(texts: list[str], cause: str | None) -> None:
    (group,) = draw(Trying({"p": [texts]}), ["p"], WARM, n=len(texts))
    assert fault(group) == cause
