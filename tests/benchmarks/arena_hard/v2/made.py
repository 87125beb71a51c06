"""Files of Arena-Hard v2.0's forms, made for one test: three questions of two categories."""

from collections.abc import Mapping
from typing import Any

from benchmarks.arena_hard.v2 import BASELINES
from benchmarks.arena_hard.v2.parity import ANSWERS
from benchmarks.arena_hard.v2.questions import QUESTIONS
from benchmarks.arena_hard.v2.rubric import CONFIG, SETTINGS
from tests.shelf import Shelf

ASKED = {"h1": "hard_prompt", "h2": "hard_prompt", "c1": "creative_writing"}
"""Categories by uid; a question asks for its uid in capitals."""

MARKS = (
    "<|User Prompt|>\\n{QUESTION}\\n\\n"
    "<|The Start of Assistant A's Answer|>\\n{ANSWER_A}\\n<|The End of Assistant A's Answer|>"
    "\\n\\n"
    "<|The Start of Assistant B's Answer|>\\n{ANSWER_B}\\n<|The End of Assistant B's Answer|>"
)
CONFIGURED = rf"""
temperature: 0.0
max_tokens: 16000
regex_patterns:
  - \[\[([AB<>=]+)\]\]
  - \[([AB<>=]+)\]
prompt_template: "{MARKS}"
"""
TOLD = f"""
HARD = "Answer first."
JUDGE_SETTINGS = {{
    "hard_prompt": {{"baseline": "{BASELINES[0]}", "system_prompt": HARD}},
    "creative_writing": {{"baseline": "{BASELINES[1]}", "system_prompt": "Only judge."}},
}}
"""


def answered(uid: str, text: object, **fields: Any) -> dict[str, Any]:
    """A row of model_answer."""
    said = [{"role": "user", "content": uid.upper()}, {"role": "assistant", "content": text}]
    return {"uid": uid, "model": "m", "messages": said} | fields


def game(label: str | None, words: str | None = None) -> dict[str, Any]:
    """A game of model_judgment; with words, it holds what the judge said."""
    return {"score": label, "judgment": None if words is None else {"answer": words}}


def judged(uid: str, *labels: str | None, **fields: Any) -> dict[str, Any]:
    """A row of model_judgment."""
    plain = {"uid": uid, "category": ASKED.get(uid), "judge": "gpt-4.1", "model": "m"}
    return plain | {"baseline": "b", "games": [game(label) for label in labels]} | fields


def small(**texts: str) -> Shelf:
    """The official files; `settings` or `config` in the place of the plain ones."""
    rows: list[Mapping[str, Any]] = [
        {"uid": uid, "category": category, "subcategory": "any", "prompt": uid.upper()}
        for uid, category in ASKED.items()
    ]
    shelf = Shelf(
        {
            CONFIG: texts.get("config", CONFIGURED).encode(),
            SETTINGS: texts.get("settings", TOLD).encode(),
        }
    ).put(QUESTIONS, rows)
    for name in BASELINES:
        answers = [answered(uid, {"answer": f"{name} on {uid}"}, model=name) for uid in ASKED]
        shelf = shelf.put(f"{ANSWERS}{name}.jsonl", answers)
    return shelf
