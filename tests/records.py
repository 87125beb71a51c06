"""Records in one line, for tests that care about one or two of their fields.

Every field that is not given is plain and valid; `**fields` are fields of the record by name.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness import registry
from harness.pairing import against
from harness.pipeline import Result
from harness.report.save import document, write_json
from harness.types import (
    Assets,
    Benchmark,
    Card,
    Check,
    Comparison,
    Decoding,
    Files,
    Generation,
    Grader,
    Item,
    Judge,
    Model,
    Prompt,
    Recorded,
    Rescored,
    Response,
    Rows,
    Rubric,
    Score,
    Unread,
    Verdict,
)


def prompt(*turns: str, **fields: Any) -> Prompt:
    """A prompt whose id is its first turn."""
    asked = turns or ("q0",)
    plain: dict[str, Any] = {"id": asked[0], "turns": asked, "decoding": Decoding(max_tokens=9)}
    return Prompt(**(plain | fields))


def generation(*texts: str, **fields: Any) -> Generation:
    """An answer with a response for each text; without texts it needs a `failure`."""
    responses = tuple(Response(text) for text in texts)
    plain: dict[str, Any] = {"prompt": prompt(), "model": "candidate", "responses": responses}
    return Generation(**(plain | fields))


def comparison(
    candidate: str = "yes", baseline: str | None = "no", asked: Prompt | None = None
) -> Comparison:
    """Two answers to one prompt; the candidate's alone when the baseline is None."""
    question = asked or prompt()
    opponent = baseline if baseline is None else generation(baseline, prompt=question, model="base")
    return Comparison(generation(candidate, prompt=question), opponent)


def verdict(value: float | None = 1.0, cause: str | None = None, **fields: Any) -> Verdict:
    """A judge's verdict; unread when the value is None."""
    plain: dict[str, Any] = {"comparison": comparison(), "judge": "judge"}
    return Verdict(value=value, cause=cause, **(plain | fields))


def score(value: float | None = 0.5, **fields: Any) -> Score:
    """A win rate over 100 verdicts."""
    plain: dict[str, Any] = {"metric": "win_rate", "n": 100}
    return Score(value=value, **(plain | fields))


def card(**fields: Any) -> Card:
    """The card of a benchmark of two prompts that reads no official file."""
    plain: dict[str, Any] = {
        "name": "tiny",
        "version": "1",
        "title": "Tiny",
        "paper": "0000.00000",
        "source": "here",
        "licence": "none",
        "judge": "openai:gpt-4",
        "n_prompts": 2,
        "metrics": ("win_rate",),
        "assets": (),
        "min_coverage": 0.95,
    }
    return Card(**(plain | fields))


def rubric(**fields: Any) -> Rubric:
    """Asks with "question: baseline or candidate?" and reads a number."""
    decoding = Decoding(max_tokens=1)

    def ask(shown: Comparison) -> Prompt:
        first = shown.baseline.text if shown.baseline else "nothing"
        asked = f"{shown.candidate.prompt.turns[-1]}: {first} or {shown.candidate.text}?"
        return prompt(asked, decoding=decoding)

    plain: dict[str, Any] = {
        "name": "numbers",
        "digest": "0" * 64,
        "decoding": decoding,
        "ask": ask,
        "read": read_number,
        "shows_candidate_first": lambda _: False,
    }
    return Rubric(**(plain | fields))


def judge(name: str, model: Model | None = None, grader: Grader | None = None) -> Judge:
    """The judge of that name, who asks the model whatever it is called."""

    def open_model(_name: str, _rubric: Rubric) -> Model:
        assert model is not None, "this judge asks nobody"
        return model

    return registry.judge(name, grader or rubric(), open_model)


def read_number(said: Generation) -> float | Unread:
    """The number that the judge said."""
    try:
        return float(said.text)
    except ValueError:
        return Unread("no number")


def benchmark(**fields: Any) -> Benchmark:
    """Asks "q0" and "q1", to which the baseline says "no"; a score is the mean of what was read.

    Its files have rows of `asked`, `answer` and `said` (by the judge).
    """

    def load(_assets: Assets) -> list[Prompt]:
        return [prompt("q0"), prompt("q1")]

    def baseline(assets: Assets) -> list[Generation]:
        return [generation("no", prompt=asked, model="base") for asked in load(assets)]

    plain: dict[str, Any] = {
        "card": card(),
        "load": load,
        "compare": against(baseline),
        "grader": lambda _: rubric(),
        "aggregate": mean,
        "files": Files(
            read_outputs=lambda rows, _: {(row["asked"],): (row["answer"],) for row in rows},
            write_outputs=lambda answers: [
                {"asked": a.prompt.id, "answer": a.text} for a in answers
            ],
            read_judgments=_recorded,
            write_judgments=lambda verdicts: [{"value": v.value} for v in verdicts],
            rescore=lambda rows, _: Rescored(
                "mine",
                "judge",
                [score(n=len(rows))],
                [Item(row["asked"], 1.0, None) for row in rows],
            ),
        ),
        "verify": lambda _: [Check("two and two", 1, 0.0, 0.0)],
        "identify": lambda _: {"baseline": "base"},
    }
    return Benchmark(**(plain | fields))


def mean(verdicts: Sequence[Verdict], _assets: Assets) -> list[Score]:
    """The mean of what was read."""
    read = [v.value for v in verdicts if v.value is not None]
    value = sum(read) / len(read) if read else None
    return [score(value, n=len(read), n_unread=len(verdicts) - len(read))]


def _recorded(rows: Rows, _assets: Assets) -> list[Recorded]:
    return [
        Recorded(
            comparison(row["answer"], asked=prompt(row["asked"])), Response(row["said"]), "judge"
        )
        for row in rows
    ]


def result(*scores: Score, verdicts: Sequence[Verdict] = (), **fields: Any) -> Result:
    """What a checkpoint scored on the tiny benchmark; without scores, an ordinary win rate."""
    plain: dict[str, Any] = {
        "card": card(),
        "model": "hf:a",
        "judge": "openai:gpt-4",
        "identity": {"prompts": "100", "model weights": "f00"},
        "items": [Item(v.comparison.candidate.prompt.id, v.value, v.cause) for v in verdicts],
        "verdicts": verdicts,
    }
    return Result(scores=scores or (score(),), **(plain | fields))


def saved_run(
    folder: Path, *checkpoints: str, ids: str = "ab", version: str = "1", **made: Any
) -> Path:
    """A run of some checkpoints, with items of these ids."""
    verdicts = [verdict(comparison=comparison(asked=prompt(one))) for one in ids]
    results = [
        (name, result(verdicts=verdicts, card=card(version=version))) for name in checkpoints
    ]
    write_json(folder / "scores.json", document(results, items=True))
    if made:
        write_json(folder / "provenance.json", made)
    return folder
