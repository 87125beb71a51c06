import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from harness.errors import DataError, ModelError
from harness.models.hf import HuggingFace
from harness.models.scripted import Scripted
from harness.store import Cached, Store
from harness.types import (
    UNWATCHED,
    Decoding,
    Generation,
    Model,
    Prompt,
    Response,
    Token,
    Unread,
    Watch,
)
from train.data.ranked import Settings, build, by_judge, likelihood
from train.examples import Answer, Example
from train.ranker import Teaching, teach
from train.workshop import Workshop

pytest_plugins = ["tests.tiny.fixtures"]
pytestmark = pytest.mark.usefixtures("own_cache")


@dataclass
class Drawing:
    """Draws the k-th letter of a prompt as its k-th sample: "!" is refused, "z" has no end.

    The later a letter is in the alphabet, the less likely it is.
    """

    name: str = "drawing"
    identity: Mapping[str, str] = field(default_factory=dict)
    asked: list[Prompt] = field(default_factory=list)
    closed: bool = False
    tells: bool = True

    def generate(self, prompts: Sequence[Prompt], watch: Watch = UNWATCHED) -> list[Generation]:
        self.asked += prompts
        return [self._drawn(prompt) for prompt in prompts]

    def close(self) -> None:
        self.closed = True

    def _drawn(self, prompt: Prompt) -> Generation:
        letter = prompt.turns[0][prompt.decoding.sample]
        if letter == "!":
            return Generation(prompt, self.name, (), "too long")
        tokens = (Token(letter, 96.0 - ord(letter), ()),) if self.tells else ()
        end = "length" if letter == "z" else "stop"
        return Generation(prompt, self.name, (Response(letter, end, tokens),))


def says(*ranks: str) -> Scripted:
    """A judge that ranks so, prompt by prompt."""
    said = iter(ranks)
    return Scripted(lambda _: f"rank: [{next(said)}]", "judge")


@dataclass
class Desk:
    """A workshop whose originals are the prompts in capitals."""

    folder: Path
    prompts: Sequence[str]
    other: Model = field(default_factory=Drawing)
    model: Model = field(default_factory=Drawing)
    said: list[str] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)

    def open_model(self, name: str) -> Model:
        self.opened.append(name)
        return self.other

    def build(self, rank: Mapping[str, Any], **fields: Any) -> list[Example]:
        write(self.folder, [(prompt, prompt.upper()) for prompt in [*self.prompts, "other"]])
        plain = {"kind": "ranked", "demonstrations": "./demonstrations.jsonl", "rank": rank}
        workshop = Workshop(
            model=self.model,
            prompts=self.prompts,
            open_model=self.open_model,
            open_judge=lambda *_: pytest.fail("a list of responses is no comparison"),
            try_judge=lambda *_: pytest.fail("a list of responses is no comparison"),
            assets=None,  # type: ignore[arg-type]
            folder=self.folder,
            say=self.said.append,
        )
        return build(Settings.model_validate(plain | fields), workshop)


def write(folder: Path, pairs: Sequence[tuple[Any, Any]]) -> None:
    rows = [json.dumps({"prompt": prompt, "response": response}) for prompt, response in pairs]
    (folder / "demonstrations.jsonl").write_text("\n".join(rows))


def ranked(asked: str, order: str) -> Example:
    return Example((asked,), (*map(Answer, order), Answer(asked.upper())))


TEACHER = {"by": "probabilistic", "teacher": "some:teacher"}
JUDGE = {"by": "contextual", "judge": "some:judge"}


def test_a_teachers_responses_are_in_the_order_of_its_likelihood(tmp_path: Path) -> None:
    desk = Desk(tmp_path, ["cabd", "dcba"])
    assert desk.build(TEACHER) == [ranked("cabd", "abcd"), ranked("dcba", "abcd")]
    assert desk.opened == ["some:teacher"]


def test_a_teacher_is_asked_for_log_probabilities_and_the_checkpoint_for_nothing(
    tmp_path: Path,
) -> None:
    teacher, model = Drawing(), Drawing()
    Desk(tmp_path, ["ab"], teacher, model).build(
        TEACHER, samples=2, temperature=0.7, top_p=0.9, max_tokens=7
    )
    decodings = [Decoding(7, 0.7, 0.9, top_logprobs=1, sample=sample) for sample in range(2)]
    assert [asked.decoding for asked in teacher.asked] == decodings
    assert (teacher.closed, model.asked) == (True, [])


@pytest.mark.parametrize(
    ("beta", "expected"), [(0.0, -4.0), (1.0, -2.0), (1.3, -1.6245), (2.0, -1.0)]
)
def test_likelihood_worked(beta: float, expected: float) -> None:
    """Two tokens of -1 and -3: -4 / 2^beta, with 2^1.3 = 2.4623."""
    response = Response("ab", tokens=(Token("a", -1.0, ()), Token("b", -3.0, ())))
    assert likelihood(response, beta) == pytest.approx(expected, abs=1e-4)


@given(st.floats(-9, -0.01), st.integers(1, 400), st.integers(1, 400))
def test_of_equally_likely_tokens_the_longer_response_wins(mean: float, m: int, n: int) -> None:
    short, long = (
        likelihood(Response("a", tokens=(Token("a", mean, ()),) * size), 1.3) for size in (m, m + n)
    )
    assert long > short


def test_beta_decides_whether_length_wins(tmp_path: Path) -> None:
    """One token of -1 and four of -1: -1 and -4 / 4^0 = -4, or -4 / 4^1.3 = -0.66."""

    class Longer(Drawing):
        def _drawn(self, prompt: Prompt) -> Generation:
            text = prompt.turns[0][prompt.decoding.sample]
            tokens = (Token("a", -1.0, ()),) * (4 if text == "l" else 1)
            return Generation(prompt, self.name, (Response(text, tokens=tokens),))

    desk = Desk(tmp_path, ["sl"], Longer())
    assert desk.build(TEACHER | {"beta": 0.0}, samples=2) == [ranked("sl", "sl")]
    assert desk.build(TEACHER, samples=2) == [ranked("sl", "ls")]


def test_a_teacher_without_log_probabilities_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as error:
        Desk(tmp_path, ["ab"], Drawing(tells=False)).build(TEACHER, samples=2)
    assert str(error.value) == (
        "expected 'drawing' to return the log-probabilities of its own tokens, came none for "
        "ranked/0/1.0/0; name a teacher that does"
    )


def test_a_judge_puts_the_checkpoints_own_responses_in_order(tmp_path: Path) -> None:
    judge, model = says("3, 4, 0, 2, 1", "0, 1, 2, 3, 4"), Drawing()
    desk = Desk(tmp_path, ["abcd", "efgh"], judge, model)
    assert desk.build(JUDGE) == [ranked("abcd", "dacb"), ranked("efgh", "efgh")]
    assert (desk.opened, model.closed) == (["some:judge"], True)
    assert [prompt.decoding.top_logprobs for prompt in model.asked] == [0] * 8


@pytest.mark.parametrize(("similarity", "texts"), [(0.5, ["b", "c"]), (0.6, ["a a", "a b"])])
def test_responses_that_are_alike_are_drawn_again_before_they_are_judged(
    tmp_path: Path, similarity: float, texts: list[str]
) -> None:
    """ROUGE-L of "a a" and "a b" is 2 / 4."""

    class Warming(Drawing):
        def _drawn(self, prompt: Prompt) -> Generation:
            said = ("b", "c") if prompt.decoding.temperature > 1 else ("a a", "a b")
            return Generation(prompt, self.name, (Response(said[prompt.decoding.sample]),))

    desk = Desk(tmp_path, ["ab"], says("0, 1"), Warming())
    (example,) = desk.build(JUDGE | {"similarity": similarity}, samples=2)
    assert [answer.text for answer in example.responses[:2]] == texts


def test_a_response_that_was_cut_is_not_ended(tmp_path: Path) -> None:
    (example,) = Desk(tmp_path, ["az"], says("1, 0")).build(JUDGE, samples=2)
    assert example.responses == (Answer("z", ended=False), Answer("a"), Answer("AZ"))


def test_what_is_dropped_is_said_by_cause(tmp_path: Path) -> None:
    judge = says("1, 0, 2", "0, 0, 2", "none")
    desk = Desk(tmp_path, ["ab", "a!", "aa", "cd", "ef"], judge)
    assert desk.build(JUDGE, samples=2) == [ranked("ab", "ba")]
    (line,) = desk.said
    assert line == (
        "1 of 5 prompts have their responses ranked; prompts dropped: 1 with equal responses, 1 "
        "without a response, 2 unread, the first because: not each of 0 to 1 once: '0, 0, 2'"
    )
    assert len(judge.asked) == 3, "what cannot be ordered is not judged"


def test_nothing_dropped_is_said_too(tmp_path: Path) -> None:
    desk = Desk(tmp_path, ["ab"])
    desk.build(TEACHER, samples=2)
    assert desk.said == ["1 of 1 prompts have their responses ranked; prompts dropped: none"]


def test_a_judge_that_cannot_be_read_at_all_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as error:
        Desk(tmp_path, ["ab", "cd"], Scripted(lambda _: "Both.")).build(JUDGE, samples=2)
    assert str(error.value) == (
        "expected rankings to train on, but 0 of 2 prompts have their responses ranked; prompts "
        "dropped: 2 unread, the first because: no rank; rank in another way, or sample "
        "at a higher temperature"
    )


def test_a_model_that_cannot_be_opened_costs_no_sample(tmp_path: Path) -> None:
    class Closed(Desk):
        def open_model(self, name: str) -> Model:
            raise ModelError(name)

    model = Drawing()
    with pytest.raises(ModelError, match="some:judge"):
        Closed(tmp_path, ["ab"], model=model).build(JUDGE)
    assert model.asked == []


def test_a_prompt_without_an_original_costs_no_sample(tmp_path: Path) -> None:
    model = Drawing()
    write(tmp_path, [("ab", "AB")])
    (tmp_path / "part.jsonl").write_text((tmp_path / "demonstrations.jsonl").read_text())
    with pytest.raises(DataError) as error:
        Desk(tmp_path, ["ab", "cd", "ef"], model=model).build(JUDGE, demonstrations="./part.jsonl")
    assert str(error.value) == (
        "expected a response in ./part.jsonl to each of 3 prompts, came none to 2, the first "
        "'cd'; take the prompts from this file"
    )
    assert model.asked == []


@pytest.mark.parametrize("row", [{"prompt": "ab"}, {"prompt": "ab", "response": " "}, {"text": ""}])
def test_a_row_without_an_original_is_named(tmp_path: Path, row: dict[str, Any]) -> None:
    rows = [{"prompt": "ab", "response": "AB"}, row]
    (tmp_path / "part.json").write_text(json.dumps(rows))
    with pytest.raises(DataError, match=r"^\./part\.json, row 2: expected text in 'prompt' and"):
        Desk(tmp_path, ["ab"]).build(JUDGE, demonstrations="./part.json")


def test_of_several_originals_the_first_is_taken(tmp_path: Path) -> None:
    rows = [{"prompt": "ab", "response": text} for text in ("first", "second")]
    (tmp_path / "twice.json").write_text(json.dumps(rows))
    (example,) = Desk(tmp_path, ["ab"]).build(TEACHER, samples=2, demonstrations="./twice.json")
    assert example.responses[-1] == Answer("first")


@pytest.fixture(scope="module")
def ranker(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prefers many z."""
    folder = tmp_path_factory.mktemp("ranker") / "made"
    lessons = [
        Example((f"Say {letter}",), tuple(map(Answer, ("zzzz", "zz", "z", ""))))
        for letter in "abcdefgh"
    ]
    teach(str(checkpoint), lessons, folder, Teaching(learning_rate=3e-3, epochs=8, batch_size=4))
    return folder


class Repeating(Drawing):
    """Says z so many times."""

    def _drawn(self, prompt: Prompt) -> Generation:
        number = int(prompt.turns[0][prompt.decoding.sample])
        return Generation(prompt, self.name, (Response("z" * number),))


@pytest.mark.parametrize("name", ["/absolute", "./made", "made"])
def test_a_ranker_puts_the_checkpoints_own_responses_in_order(
    ranker: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A name without a dot is relative to where the command runs, where the ranker is."""
    monkeypatch.chdir(ranker.parent)
    (tmp_path / "recipe").mkdir()
    (tmp_path / "recipe" / "made").symlink_to(ranker)
    folder = tmp_path / ("recipe" if name == "./made" else "")
    proxy = {"by": "proxy", "ranker": str(ranker) if name == "/absolute" else name}
    desk = Desk(folder, ["124", "412"], model=Repeating())
    found = desk.build(proxy, samples=3)
    orders = [[len(answer.text) for answer in example.responses] for example in found]
    assert orders == [[4, 2, 1, 3]] * 2, "the last is the original"
    assert desk.opened == []


def test_responses_that_a_ranker_orders_are_drawn_anew_while_they_are_alike(
    ranker: Path, tmp_path: Path
) -> None:
    class Stuck(Drawing):
        def _drawn(self, prompt: Prompt) -> Generation:
            number = 2 + prompt.decoding.sample
            return Generation(prompt, self.name, (Response("z" * number + " a b c d e f g"),))

    model = Stuck()
    proxy = {"by": "proxy", "ranker": str(ranker)}
    Desk(tmp_path, ["124"], model=model).build(proxy, samples=2)
    assert sorted({asked.decoding.temperature for asked in model.asked}) == [1.0, 1.1, 1.2]
    again = Stuck()
    Desk(tmp_path, ["124"], model=again).build(proxy | {"similarity": 0.9}, samples=2)
    assert {asked.decoding.temperature for asked in again.asked} == {1.0}


def test_a_ranker_that_is_not_there_costs_no_sample(tmp_path: Path) -> None:
    model = Drawing()
    with pytest.raises(DataError, match="is no checkpoint"):
        Desk(tmp_path, ["ab"], model=model).build({"by": "proxy", "ranker": "./none"})
    assert model.asked == []


@pytest.mark.parametrize(
    ("rank", "judge"),
    [(TEACHER, "some:teacher"), (JUDGE, "some:judge"), ({"by": "proxy", "ranker": "r"}, None)],
)
def test_the_series_is_told_who_labelled(rank: dict[str, Any], judge: str | None) -> None:
    settings = Settings.model_validate({"kind": "ranked", "demonstrations": "d", "rank": rank})
    assert settings.judge == judge


def test_the_defaults_are_the_papers() -> None:
    settings = Settings.model_validate({"kind": "ranked", "demonstrations": "d", "rank": TEACHER})
    assert (settings.samples, settings.temperature, settings.top_p) == (4, 1.0, 1.0)
    assert settings.rank.model_dump()["beta"] == 1.3
    both = Settings.model_validate({"kind": "ranked", "demonstrations": "d", "rank": JUDGE})
    assert both.rank.model_dump()["similarity"] == 0.8


@pytest.mark.parametrize(
    "fields",
    [
        {"samples": 1},
        {"temperature": 0.0},
        {"temperature": 1.9},
        {"max_tokens": 0},
        {"rank": {"by": "chance"}},
        {"rank": {"judge": "some:judge"}},
        {"rank": TEACHER | {"judge": "some:judge"}},
        {"rank": JUDGE | {"similarity": 0.0}},
        {"typo": 1},
    ],
)
def test_settings_are_checked_at_the_door(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate({"kind": "ranked", "demonstrations": "d", "rank": JUDGE} | fields)


def test_a_real_checkpoint_is_its_own_teacher(model: HuggingFace, tmp_path: Path) -> None:
    desk = Desk(tmp_path, ["Hello", "Who?"], model, model)
    found = desk.build(TEACHER | {"teacher": "self"}, samples=3, max_tokens=6)
    assert found
    assert all(len(example.responses) == 4 for example in found)


def test_a_real_checkpoint_that_cannot_judge_is_refused(model: HuggingFace, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"2 unread, the first because: judge refused: prompt is"):
        Desk(tmp_path, ["Hello", "Who?"], model, model).build(JUDGE, samples=2, max_tokens=6)


def test_what_was_ranked_is_kept_and_not_asked_again(tmp_path: Path) -> None:
    said = says("1, 0", "0, 1")
    with Store(tmp_path / "store.sqlite") as store:
        desk = Desk(tmp_path, ["ab"], Cached(said, store, "run"))
        assert desk.build(JUDGE, samples=2) == desk.build(JUDGE, samples=2)
    assert len(said.asked) == 1


@pytest.mark.parametrize("answer", ["rank: [1, 0]", "?"])
def test_a_judge_is_closed_when_it_has_ranked(answer: str) -> None:
    class Closing(Drawing):
        def _drawn(self, prompt: Prompt) -> Generation:
            return Generation(prompt, self.name, (Response(answer),))

    judge, asked = Closing(), Prompt("q", ("q",), Decoding(9))
    group = [Generation(asked, "m", (Response(text),)) for text in "ab"]
    (order,) = by_judge([group], judge)
    assert order in ([1, 0], Unread("no rank"))
    assert judge.closed
