"""How MT-Bench's judges are asked and read: rating one answer, or comparing two.

Source: lm-sys/FastChat@0e6d3e4, `fastchat/llm_judge/gen_judgment.py` and `common.py`. The templates
are read as data. The second turn is judged in its context by a template of its own; a question with
reference answers has templates that show them. Texts are put in in one pass, so that a response
which contains a template's marks stays text.

Any other prompt of one or two turns is judged as a question without references.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from benchmarks.mt_bench.questions import References, load_references
from harness.errors import DataError, SpecError
from harness.reading import off_form
from harness.rows import parse_rows
from harness.types import Assets, Comparison, Decoding, Generation, Prompt, Rubric, Unread

TEMPLATES = "mt_bench/judge_prompts.jsonl"
DECODING = Decoding(max_tokens=2048)
"""Greedy, as upstream asks."""
SINGLE = "single"
PAIR = "pair"

_NAMES = {
    SINGLE: ("single-v1", "single-math-v1"),
    PAIR: ("pair-v2", "pair-math-v1"),
}
"""Official names of the templates without references and with them; turn 2's end in _SECOND."""
_SECOND = "-multi-turn"
_SLOT = re.compile(r"\{(\w+)\}")
_RATING = re.compile(r"\[\[(\d+\.?\d*)\]\]")
_RATING_BACKUP = re.compile(r"\[(\d+\.?\d*)\]")
LOWEST, HIGHEST = 1.0, 10.0

_PREFERENCES = {"[[A]]": 0.0, "[[B]]": 1.0, "[[C]]": 0.5}
"""In the order in which upstream looks for them: the first found counts, wherever it stands."""


class Template(NamedTuple):
    """An official judge template."""

    name: str
    system: str
    user: str


class Questioning(NamedTuple):
    """What a judge is asked with: the official templates and a set of reference answers."""

    kind: str
    """SINGLE or PAIR."""
    templates: Mapping[str, Template]
    references: References
    digest: str
    """SHA-256 of both."""

    @classmethod
    def load(cls, kind: str, references: str, assets: Assets) -> "Questioning":
        """The official templates with the reference answers of an official file."""
        content, answers = assets.read(TEMPLATES), load_references(references, assets)
        templates = {
            row["name"]: Template(row["name"], row["system_prompt"], row["prompt_template"])
            for row in parse_rows(content, TEMPLATES)
        }
        both = hashlib.sha256(content).hexdigest() + answers.digest
        return cls(kind, templates, answers, hashlib.sha256(both.encode()).hexdigest())

    def template(self, comparison: Comparison) -> Template:
        """The template that the comparison is judged by.

        Raises:
            DataError: More than two turns would have to be shown.
        """
        turn = judged_turn(comparison)
        if turn > 1:
            raise DataError(
                f"expected prompts of one turn or two, turn {turn + 1} of "
                f"{comparison.candidate.prompt.id} is to be judged; MT-Bench's templates show two"
            )
        with_references = comparison.candidate.prompt.turns in self.references.answers
        return self.templates[template_name(self.kind, turn, with_references=with_references)]

    def ask(self, comparison: Comparison) -> Prompt:
        """The judge's prompt: the baseline, if any, is assistant A, the candidate is B.

        Raises:
            SpecError: One answer is to be compared, or two are to be rated.
        """
        template = self.template(comparison)
        if self.kind == PAIR and comparison.baseline is None:
            raise SpecError(
                f"expected two answers to compare, came one ({comparison.candidate.prompt.id}); "
                f"MT-Bench's pairwise templates rate nobody alone"
            )
        if self.kind == SINGLE and comparison.baseline is not None:
            raise SpecError(
                f"expected answers to rate one by one, came two to compare "
                f"({comparison.candidate.prompt.id}); name mt_bench@pairwise, or another judge"
            )
        texts = self._texts(comparison)
        asked = _SLOT.sub(lambda slot: texts[slot[1]], template.user)
        identity = f"{comparison.candidate.prompt.id}/{template.name}"
        return Prompt(identity, (asked,), DECODING, template.system)

    def answers_in(self, asked: str, turns: tuple[str, ...], turn: int) -> dict[str, str] | None:
        """The answers in a judge's prompt about a question, by slot; None if it asks otherwise."""
        with_references = turns in self.references.answers
        template = self.templates[template_name(self.kind, turn, with_references=with_references)]
        known = self._known(turns)
        *parts, last = _SLOT.split(template.user)
        pattern = "".join(
            re.escape(text) + (re.escape(known[slot]) if slot in known else f"(?P<{slot}>.*?)")
            for text, slot in zip(parts[::2], parts[1::2], strict=True)
        )
        found = re.fullmatch(pattern + re.escape(last), asked, re.DOTALL)
        return found.groupdict() if found else None

    def rubric(self, name: str, read: "Reader") -> Rubric:
        """The rubric that asks with these templates."""
        return Rubric(name, self.digest, DECODING, self.ask, read, _as_given)

    def _texts(self, comparison: Comparison) -> dict[str, str]:
        """What every slot of every template stands for."""
        first, second = comparison.baseline, comparison.candidate
        return {
            **self._known(second.prompt.turns),
            **_answers("answer{}{}", second),
            **(_answers("answer_a{}{}", first) if first else {}),
            **_answers("answer_b{}{}", second),
        }

    def _known(self, turns: tuple[str, ...]) -> dict[str, str]:
        """What the slots stand for that do not depend on the answers."""
        references = self.references.answers.get(turns, ())
        return {
            "question": turns[0],
            **_numbered("question_{}", turns),
            **_numbered("ref_answer_{}", references),
        }


Reader = Callable[[Generation], float | Unread]


def rating_rubric(references: str, assets: Assets) -> Rubric:
    """One answer is rated from 1 to 10."""
    return Questioning.load(SINGLE, references, assets).rubric("mt_bench single-v1", read_rating)


def pair_rubric(references: str, assets: Assets) -> Rubric:
    """Two answers are compared; a tie is a verdict of its own."""
    return Questioning.load(PAIR, references, assets).rubric("mt_bench pair-v2", read_preference)


def template_name(kind: str, turn: int, *, with_references: bool) -> str:
    """What the official files call the template of a turn, from 0."""
    return f"{_NAMES[kind][with_references]}{_SECOND * turn}"


def judged_turn(comparison: Comparison) -> int:
    """Which turn is judged, from 0."""
    return comparison.turn % len(comparison.candidate.prompt.turns)


def read_rating(answer: Generation) -> float | Unread:
    """The first "[[r]]", or else the first "[r]", if it is from 1 to 10.

    Upstream takes any number, and -1 where there is none.
    """
    said = _RATING.search(answer.text) or _RATING_BACKUP.search(answer.text)
    if said is None:
        return off_form(answer, "no [[rating]]")
    rating = float(said[1])
    if not LOWEST <= rating <= HIGHEST:
        return Unread(f"a rating outside 1 to 10: {said[0][:20]}")
    return rating


def read_preference(answer: Generation) -> float | Unread:
    """Preference for the side shown second: 0.0 for "[[A]]", else 1.0 for "[[B]]", else a tie."""
    for verdict, preference in _PREFERENCES.items():
        if verdict in answer.text:
            return preference
    return off_form(answer, "no [[A]], [[B]] or [[C]]")


def _as_given(_comparison: Comparison) -> bool:
    """Both orders are judged where two answers are compared, so none is turned round."""
    return False


def _answers(slot: str, generation: Generation) -> dict[str, str]:
    """The texts of a side: the first turn's with no number, and both numbered."""
    texts = [response.text for response in generation.responses]
    numbered = {slot.format("_", place): text for place, text in enumerate(texts, start=1)}
    return {slot.format("", ""): texts[0], **numbered}


def _numbered(slot: str, texts: tuple[str, ...]) -> dict[str, str]:
    return {slot.format(place): text for place, text in enumerate(texts, start=1)}
