"""How Arena-Hard v2.0's judge is asked by category, and how its label is read.

Source: lmarena/arena-hard-auto@196f6b8, `config/arena-hard-v2.0.yaml` and `JUDGE_SETTINGS` of
`utils/judge_utils.py`, both read as data (the latter's literals, never run), and `get_score` of
`gen_judgment.py`: the last label in double brackets counts, or the last in single ones where there
is none in double. Upstream reads labels in capitals, as here, and looks up ten of them, five of
which nobody asked for but which are plain. A label that is not among the ten stops its count; here
that reply is unread.
"""

import ast
import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import yaml

from benchmarks.arena_hard.rubric import LABELS
from benchmarks.arena_hard.v2.questions import HARD, category_of
from harness.errors import DataError
from harness.judging import both_texts
from harness.reading import off_form
from harness.types import Assets, Comparison, Decoding, Generation, Prompt, Rubric, Unread

CONFIG = "arena_hard/v2.0/arena-hard-v2.0.yaml"
SETTINGS = "arena_hard/v2.0/judge_utils.py"
NAME = "arena-hard-v2.0"

ALL_LABELS = LABELS | {"A<<B": 1.0, "A<B": 0.75, "B=A": 0.5, "B<A": 0.25, "B<<A": 0.0}
"""Preference for the answer shown second, as B; the last five say the same from the other side."""

_SLOT = re.compile(r"\{(QUESTION|ANSWER_A|ANSWER_B)\}")
_TABLE = "JUDGE_SETTINGS"


class Setting(NamedTuple):
    """How one category is judged."""

    baseline: str
    """Whose answers are met."""
    system: str
    """What the judge is told."""


def load_settings(assets: Assets) -> dict[str, Setting]:
    """Every category's setting.

    Raises:
        DataError: The official file does not hold them as literals.
    """
    try:
        table = _literals(assets.read(SETTINGS).decode())[_TABLE]
        return {
            category: Setting(str(one["baseline"]), str(one["system_prompt"]))
            for category, one in table.items()
        }
    except (SyntaxError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"expected {_TABLE} with a baseline and a system_prompt for each category in "
            f"{SETTINGS}, but {type(error).__name__}: {error}; pull the file again"
        ) from error


def rubric(assets: Assets) -> Rubric:
    """The official judge prompts: the baseline is assistant A, the candidate assistant B."""
    content = assets.read(CONFIG)
    config = yaml.safe_load(content)
    find = label_reader(assets)
    decoding = Decoding(config["max_tokens"], float(config["temperature"]))
    settings = load_settings(assets)

    def ask(comparison: Comparison) -> Prompt:
        prompt = comparison.candidate.prompt
        setting = settings.get(category_of(prompt), settings[HARD])
        text = fill(config["prompt_template"], comparison)
        return Prompt(f"{prompt.id}/{NAME}", (text,), decoding, setting.system)

    def read(answer: Generation) -> float | Unread:
        return worth(answer, find(answer.text))

    digest = hashlib.sha256(content + assets.read(SETTINGS)).hexdigest()
    return Rubric(NAME, digest, decoding, ask, read, lambda _: False)


def fill(template: str, comparison: Comparison) -> str:
    """The user message about a comparison, in one pass: a slot in an answer stays text."""
    candidate, baseline = both_texts(comparison, NAME)
    texts = {
        "QUESTION": comparison.candidate.prompt.turns[0],
        "ANSWER_A": baseline,
        "ANSWER_B": candidate,
    }
    return _SLOT.sub(lambda slot: texts[slot[1]], template)


def label_reader(assets: Assets) -> Callable[[str], str | None]:
    """What finds the label in a judge's words: the last of the first pattern that finds one."""
    config = yaml.safe_load(assets.read(CONFIG))
    patterns = [re.compile(pattern) for pattern in config["regex_patterns"]]

    def find(text: str) -> str | None:
        said = text.upper()
        found = (one for pattern in patterns for one in reversed(pattern.findall(said)) if one)
        return next(found, None)

    return find


def worth(answer: Generation, label: str | None) -> float | Unread:
    """Preference for assistant B, by the label in a judge's answer."""
    if label is None:
        return off_form(answer, "no verdict label")
    return ALL_LABELS.get(label, Unread("a verdict label that was not asked for"))


def _literals(source: str) -> Mapping[str, Any]:
    """The module's constants, of which each may name those before it."""
    found: dict[str, Any] = {}
    for line in ast.parse(source).body:
        if isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name):
            found[line.targets[0].id] = ast.literal_eval(_Named(found).visit(line.value))
    return found


class _Named(ast.NodeTransformer):
    """Puts known constants in the place of their names."""

    def __init__(self, known: Mapping[str, Any]) -> None:
        self.known = known

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.Constant(self.known[node.id]) if node.id in self.known else node
