import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from harness.errors import DataError, ModelError
from harness.models.hf import HuggingFace
from harness.types import (
    UNWATCHED,
    Comparison,
    Decoding,
    Generation,
    Judge,
    Model,
    Prompt,
    Response,
    Verdict,
    Watch,
)
from train.data.compared import Settings, build
from train.examples import Answer, Example
from train.workshop import Workshop

pytest_plugins = ["tests.tiny.fixtures"]
pytestmark = pytest.mark.usefixtures("own_cache")


@dataclass
class Drawing:
    """Draws the k-th letter of a prompt as its k-th sample: "!" is refused, "z" has no end."""

    name: str = "drawing"
    identity: Mapping[str, str] = field(default_factory=dict)
    asked: list[Prompt] = field(default_factory=list)
    calls: int = 0
    closed: bool = False

    def generate(self, prompts: Sequence[Prompt], watch: Watch = UNWATCHED) -> list[Generation]:
        self.calls += 1
        self.asked += prompts
        return [self._drawn(prompt) for prompt in prompts]

    def close(self) -> None:
        self.closed = True

    def _drawn(self, prompt: Prompt) -> Generation:
        letter = prompt.turns[0][prompt.decoding.sample]
        if letter == "!":
            return Generation(prompt, self.name, (), "too long")
        return Generation(
            prompt, self.name, (Response(letter, "length" if letter == "z" else "stop"),)
        )


@dataclass
class Alphabetical:
    """Sure that later letters win, whatever their case; "?" cannot be read."""

    name: str = "alphabetical"
    identity: Mapping[str, str] = field(default_factory=dict)
    calls: int = 0

    def __call__(self, comparisons: Sequence[Comparison], /) -> list[Verdict]:
        self.calls += 1
        return [Verdict(c, self.name, self._value(c)) for c in comparisons]

    def _value(self, shown: Comparison) -> float | None:
        assert shown.baseline is not None
        ours, theirs = shown.candidate.text.lower(), shown.baseline.text.lower()
        return None if "?" in ours + theirs else (1 + (ours > theirs) - (ours < theirs)) / 2


@dataclass
class Desk:
    """A workshop that remembers what it was asked for."""

    prompts: Sequence[str]
    model: Model = field(default_factory=Drawing)
    judge: Judge = field(default_factory=Alphabetical)
    said: list[str] = field(default_factory=list)
    opened: list[tuple[str, str]] = field(default_factory=list)

    def open_judge(self, name: str, rubric: str, sample: int = 0) -> Judge:
        self.opened.append((name, rubric))
        return self.judge

    def build(self, **fields: Any) -> list[Example]:
        plain = {"kind": "compared", "judge": "some:judge", "samples": 4}
        workshop = Workshop(
            model=self.model,
            prompts=self.prompts,
            open_model=lambda _: pytest.fail("no other model is needed"),
            open_judge=self.open_judge,
            try_judge=lambda *_: pytest.fail("only a check tries"),
            assets=None,  # type: ignore[arg-type]
            folder=Path(),
            say=self.said.append,
        )
        return build(Settings.model_validate(plain | fields), workshop)


def pair(asked: str, chosen: str, rejected: str, p_chosen: float, p_rejected: float) -> Example:
    facts = {"p_chosen": p_chosen, "p_rejected": p_rejected}
    return Example((asked,), (Answer(chosen), Answer(rejected)), facts)


def test_the_best_and_the_worst_response_make_a_pair_with_their_win_probabilities() -> None:
    """d wins (1/2 + 3) / 4 = 0.875 of its rivals, a (1/2 + 0) / 4 = 0.125."""
    assert Desk(["bdac"]).build() == [pair("bdac", "d", "a", 0.875, 0.125)]


def test_the_pair_is_chosen_by_mean_score_whichever_way_win_probabilities_are_had() -> None:
    """Logits: a over b 4, over c -1; c over b 1/2. So a scores 1 and c 1/2, though c wins more."""
    logits = {"ab": 4.0, "ac": -1.0, "cb": 0.5}

    class Scores(Alphabetical):
        def _value(self, shown: Comparison) -> float | None:
            assert shown.baseline is not None
            ours, theirs = shown.candidate.text, shown.baseline.text
            s = logits[ours + theirs] if ours + theirs in logits else -logits[theirs + ours]
            return 1 / (1 + math.exp(-s))

    for estimate in ("paper", "released"):
        desk = Desk(["abc"], judge=Scores())
        (example,) = desk.build(samples=3, win_probability=estimate)
        assert [one.text for one in example.responses] == ["a", "b"]


def test_released_win_probabilities_are_sharper() -> None:
    """P(b > a) = 0.8: the paper's 1/4 + 0.8/2, the released (1/2 + 16/17) / 2."""

    class Unsure(Alphabetical):
        def _value(self, shown: Comparison) -> float | None:
            return 0.8 if shown.candidate.text == "b" else 0.2

    (paper,) = Desk(["ab"], judge=Unsure()).build(samples=2)
    (released,) = Desk(["ab"], judge=Unsure()).build(samples=2, win_probability="released")
    assert (paper.facts["p_chosen"], released.facts["p_chosen"]) == pytest.approx((0.65, 49 / 68))


def test_rivals_may_be_the_pair_alone_whose_choice_stays_that_of_all() -> None:
    """d beats a for sure: 1/4 + 1/2 and 1/4 + 0, where of four samples they have 0.875, 0.125."""
    assert Desk(["bdac"]).build(rivals="pair") == [pair("bdac", "d", "a", 0.75, 0.25)]


def test_all_responses_are_paired_as_they_were_drawn() -> None:
    """0.375 and 0.875, 0.125 and 0.625: each with its own probability, on either side."""
    assert Desk(["bdac"]).build(select="all") == [
        pair("bdac", "b", "d", 0.375, 0.875),
        pair("bdac", "a", "c", 0.125, 0.625),
    ]


def test_the_odd_response_is_a_rival_only() -> None:
    """c beats a and b: (1/2 + 0 + 0) / 3 for a, (1/2 + 1 + 0) / 3 for b."""
    (only,) = Desk(["abc"]).build(select="all", samples=3)
    assert [one.text for one in only.responses] == ["a", "b"]
    assert only.facts == pytest.approx({"p_chosen": 1 / 6, "p_rejected": 1 / 2})


def test_ties_and_equal_responses_are_rows_when_all_are_taken() -> None:
    assert len(Desk(["aAaA", "bbbb"]).build(select="all")) == 4


def test_all_prompts_are_sampled_in_one_call_and_judged_in_one() -> None:
    model, judge = Drawing(), Alphabetical()
    Desk(["abcd", "dcba"], model, judge).build()
    assert (model.calls, judge.calls) == (1, 1)
    assert len({asked.id for asked in model.asked}) == 8


def test_responses_are_drawn_as_the_settings_say_each_as_another_sample() -> None:
    model = Drawing()
    Desk(["ab"], model).build(samples=2, temperature=0.7, top_p=0.9, max_tokens=2048)
    assert [asked.decoding for asked in model.asked] == [
        Decoding(2048, 0.7, 0.9, sample=0),
        Decoding(2048, 0.7, 0.9, sample=1),
    ]


def test_the_judge_is_opened_by_its_name_and_the_rubric_of_a_benchmark() -> None:
    desk = Desk(["abcd"])
    desk.build(rubric="mine")
    assert desk.opened == [("some:judge", "mine")]


def test_a_judge_that_cannot_be_opened_costs_no_sample() -> None:
    class Closed(Desk):
        def open_judge(self, name: str, rubric: str, sample: int = 0) -> Judge:
            raise ModelError(name)

    model = Drawing()
    with pytest.raises(ModelError, match="some:judge"):
        Closed(["abcd"], model).build()
    assert model.calls == 0


def test_the_model_makes_room_before_the_judge_is_asked() -> None:
    model = Drawing()

    class Alone(Alphabetical):
        def __call__(self, comparisons: Sequence[Comparison], /) -> list[Verdict]:
            assert model.closed
            return super().__call__(comparisons)

    assert Desk(["abcd"], model, Alone()).build()


def test_a_response_that_was_cut_is_not_ended() -> None:
    (example,) = Desk(["az"]).build(samples=2)
    assert example.responses == (Answer("z", ended=False), Answer("a", ended=True))


def test_what_is_dropped_is_said_by_cause() -> None:
    desk = Desk(["abcd", "ab!d", "ab?d", "aAaA", "bbbb", "!!!!"])
    assert [example.said for example in desk.build()] == [("abcd",)]
    (line,) = desk.said
    assert line.startswith("1 pairs of 6 prompts compared by 'some:judge'; prompts dropped: 2 ref")
    assert line.endswith("2 refused, 1 unread, 1 tied, 1 with equal responses")


def test_one_preference_that_was_not_read_is_enough_to_drop_a_prompt() -> None:
    class Shy(Alphabetical):
        def _value(self, shown: Comparison) -> float | None:
            assert shown.baseline is not None
            both = {shown.candidate.text, shown.baseline.text}
            return None if both == {"b", "c"} else super()._value(shown)

    desk = Desk(["abcd", "abde"], judge=Shy())
    assert [example.said for example in desk.build()] == [("abde",)]
    assert desk.said[0].endswith("prompts dropped: 1 unread")


def test_nothing_dropped_is_said_too() -> None:
    desk = Desk(["abcd"])
    desk.build()
    assert desk.said == ["1 pairs of 1 prompts compared by 'some:judge'; prompts dropped: none"]


def test_no_prompts_at_all_are_an_error_of_the_recipe() -> None:
    with pytest.raises(DataError, match="expected prompts to sample responses to, came none"):
        Desk([]).build()


@pytest.mark.parametrize(
    ("prompts", "causes"),
    [(["a?cd", "b?cd"], "2 unread"), (["aAaA"], "1 tied"), (["!!!!"], "1 refused")],
)
def test_no_pair_at_all_is_an_error_in_one_line(prompts: list[str], causes: str) -> None:
    with pytest.raises(ModelError) as caught:
        Desk(prompts).build()
    assert str(caught.value) == (
        f"expected pairs to train on, came 0 pairs of {len(prompts)} prompts compared by "
        f"'some:judge'; prompts dropped: {causes}; name another judge, or sample at a higher "
        f"temperature"
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"samples": 1},
        {"temperature": 0.0},
        {"top_p": 0.0},
        {"max_tokens": 0},
        {"select": "some"},
        {"win_probability": "mine"},
        {"sample": 5},
    ],
)
def test_settings_that_make_no_pairs_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Desk([]).build(**fields)


def test_the_defaults_are_the_papers() -> None:
    settings = Settings(kind="compared", judge="pairrm")
    assert (settings.samples, settings.temperature, settings.top_p) == (5, 1.0, 1.0)
    assert (settings.win_probability, settings.select) == ("paper", "extremes")


def test_the_samples_of_a_real_checkpoint_are_paired(model: HuggingFace) -> None:
    examples = Desk(["Hello", "Who?", "Why?"], model).build(samples=3, max_tokens=6)
    assert examples
    for example in examples:
        chosen, rejected = (answer.text.lower() for answer in example.responses)
        assert chosen > rejected
        assert example.facts["p_chosen"] > example.facts["p_rejected"]
