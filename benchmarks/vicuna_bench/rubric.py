"""How Vicuna-bench's judge is asked and read: it writes a score for each of two answers.

Source: lm-sys/FastChat@69d085e, `fastchat/eval/eval_gpt_review.py`, with `table/prompt.jsonl` and
`table/reviewer.jsonl` read as data. Coding and math questions have templates of their own. Texts
are put in in one pass, so that an answer which contains a template's marks stays text.

Upstream reads the first line only, although its template for math asks for a tuple at the end, and
left those replies to be read by people. Here the last tuple that is called output, tuple or score
is read where the first line holds no scores.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import NamedTuple

from harness.errors import SpecError
from harness.reading import off_form
from harness.rows import parse_rows
from harness.types import Assets, Comparison, Decoding, Generation, Prompt, Rubric, Unread

QUESTIONS = "vicuna_bench/question.jsonl"
TEMPLATES = "vicuna_bench/table/prompt.jsonl"
REVIEWERS = "vicuna_bench/table/reviewer.jsonl"
GENERAL = "general"
"""The template of every category that has none of its own."""

LOWEST, HIGHEST = 1.0, 10.0

_SLOT = re.compile(r"\{(\w+)\}")
_NUMBER = r"(\d+(?:\.\d+)?)(?:/10)?"
_FIRST_LINE = re.compile(rf"\s*{_NUMBER}(?:\s*,\s*|\s+){_NUMBER}\s*")
_TUPLE = re.compile(
    rf"\b(?:output|tuple|scores?)\b[^()\n]{{0,40}}\(\s*{_NUMBER}\s*,\s*{_NUMBER}\s*\)",
    re.IGNORECASE,
)
"""Named as such, for a pair of numbers in brackets may be a point that a question is about."""


class Question(NamedTuple):
    """One question of one turn."""

    id: int
    category: str
    text: str


def load_questions(assets: Assets) -> dict[int, Question]:
    """The 80 questions in official order, by id."""
    rows = parse_rows(assets.read(QUESTIONS), QUESTIONS)
    found = [Question(row["question_id"], row["category"], row["turns"][0]) for row in rows]
    return {one.id: one for one in found}


class Template(NamedTuple):
    """An official judge template."""

    name: str
    system: str
    user: str
    decoding: Decoding


def rubric(assets: Assets) -> Rubric:
    """Two answers are scored from 1 to 10 each; the higher score is preferred.

    Any prompt that is no question of this benchmark is judged by the general template.
    """
    templates = _templates(assets)
    questions = load_questions(assets).values()
    categories: dict[tuple[str, ...], str] = {(one.text,): one.category for one in questions}
    digest = hashlib.sha256(assets.read(TEMPLATES) + assets.read(REVIEWERS)).hexdigest()

    def ask(comparison: Comparison) -> Prompt:
        category = categories.get(comparison.candidate.prompt.turns, GENERAL)
        return _asked(templates.get(category, templates[GENERAL]), comparison)

    decoding = templates[GENERAL].decoding
    return Rubric("gpt-4-0328 reviewer", digest, decoding, ask, read_preference, _as_given)


_NO_SCORES = "no two scores"


def read_scores(said: str) -> tuple[float, float] | Unread:
    """The scores of the first and of the second answer, each from 1 to 10."""
    first_line = _FIRST_LINE.fullmatch(said.partition("\n")[0])
    tuples = _TUPLE.findall(said)
    if first_line is None and not tuples:
        return Unread(_NO_SCORES)
    one, other = first_line.groups() if first_line else tuples[-1]
    scores = float(one), float(other)
    if not all(LOWEST <= score <= HIGHEST for score in scores):
        return Unread(f"a score outside 1 to 10: {one[:8]} and {other[:8]}")
    return scores


def read_preference(answer: Generation) -> float | Unread:
    """1.0 when the second answer has the higher score, 0.0 when the first has, else 0.5."""
    scores = read_scores(answer.text)
    if scores == Unread(_NO_SCORES):
        return off_form(answer, _NO_SCORES)
    return scores if isinstance(scores, Unread) else preference(scores)


def preference(scores: tuple[float, float]) -> float:
    """For the second, of two scores: 1.0, 0.0, or 0.5 for a tie."""
    first, second = scores
    return float(second > first) + 0.5 * (second == first)


def _templates(assets: Assets) -> Mapping[str, Template]:
    """The templates by the category that they are for."""
    prompts = {row["prompt_id"]: row for row in parse_rows(assets.read(TEMPLATES), TEMPLATES)}
    found = {}
    for reviewer in parse_rows(assets.read(REVIEWERS), REVIEWERS):
        prompt, said = prompts[reviewer["prompt_id"]], reviewer["metadata"]
        user = _filled(prompt["prompt_template"], prompt["defaults"])
        decoding = Decoding(said["max_tokens"], temperature=said["temperature"])
        template = Template(reviewer["reviewer_id"], prompt["system_prompt"], user, decoding)
        found[reviewer["category"]] = template
    return found


def _asked(template: Template, comparison: Comparison) -> Prompt:
    candidate, baseline = comparison.candidate, comparison.baseline
    if baseline is None:
        raise SpecError(
            f"expected two answers to compare, came one ({candidate.prompt.id}); Vicuna-bench's "
            f"judge scores nobody alone"
        )
    texts = {
        "question": "\n\n".join(candidate.prompt.turns),
        "answer_1": baseline.text,
        "answer_2": candidate.text,
    }
    identity = f"{candidate.prompt.id}/{template.name}"
    return Prompt(identity, (_filled(template.user, texts),), template.decoding, template.system)


def _filled(template: str, texts: Mapping[str, str]) -> str:
    """The template with the texts in their slots; other slots stay."""
    return _SLOT.sub(lambda slot: texts.get(slot[1], slot[0]), template)


def _as_given(_comparison: Comparison) -> bool:
    """Both orders are judged, so none is turned round."""
    return False
