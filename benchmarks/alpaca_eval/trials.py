"""Published judgments of AlpacaEval's official judges, for another judge to be tried on.

Version 2.0: gpt-4-1106-preview on six models, with the texts. Version 1.0: gpt-4 on three models
whose texts the files of 2.0 have; the published rows of 1.0 give lengths, which are checked.
"""

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from importlib.resources import files as package_files
from typing import Any, NamedTuple

from benchmarks.alpaca_eval import fields
from harness.errors import DataError
from harness.trials.cases import Case, Pair, Trial
from harness.types import Assets, Decoding, Generation, Prompt, Response

MODELS_2 = (
    "alpaca-7b",
    "alpaca-farm-ppo-human",
    "alpaca-farm-ppo-sim-gpt4-20k",
    "claude-2",
    "text_davinci_003",
    "vicuna-7b",
)
MODELS_1 = ("alpaca-7b", "alpaca-farm-ppo-human", "claude-2")

_BASELINE_1 = "alpaca_eval/model_outputs/text_davinci_003.json"
_NULL = "alpaca_eval/model_outputs/NullModel.json"


class _Known(NamedTuple):
    """A published verdict with the texts it is about."""

    place: int
    """Of the instruction, in official order."""
    instruction: str
    model: str
    text: str
    baseline: str
    baseline_text: str
    gold: float
    """NaN is unread."""


def cases(known: Sequence[_Known]) -> list[Case]:
    """A case for each instruction: the baseline's answer, then each model's."""
    together: dict[int, list[_Known]] = {}
    for one in known:
        if not math.isnan(one.gold):
            together.setdefault(one.place, []).append(one)
    return [_case(place, together[place]) for place in sorted(together)]


def known_2(assets: Assets) -> Iterator[_Known]:
    """Version 2.0's verdicts, model by model."""
    places = _places(assets)
    for model in MODELS_2:
        for number, row in enumerate(json.loads(assets.read(_full(model)))):
            texts = [fields.text(row, number, f"output_{side}") for side in (1, 2)]
            instruction = fields.text(row, number, "instruction")
            gold = fields.preference(row, number)
            baseline = str(row["generator_1"])
            yield _Known(
                places[instruction], instruction, model, texts[1], baseline, texts[0], gold
            )


def known_1(assets: Assets) -> Iterator[_Known]:
    """Version 1.0's verdicts, model by model.

    Raises:
        DataError: A text is not as long as the one that was judged.
    """
    baseline = json.loads(assets.read(_BASELINE_1))
    for model in MODELS_1:
        texts = {
            row["instruction"]: row["output_2"] for row in json.loads(assets.read(_full(model)))
        }
        for number, line in enumerate(assets.read(_rows_1(model)).splitlines()):
            yield _known_1(json.loads(line), number, model, texts, baseline)


def canary(version: str, assets: Assets) -> list[Case]:
    """Thirty verdicts of version 2.0 that leave no doubt: three and two of each side by model."""
    table = package_files("benchmarks.alpaca_eval") / "canary.csv"
    rows = list(csv.DictReader(io.StringIO(table.read_text("utf-8"))))
    found = {(one.model, one.place): one for one in known_2(assets)}
    pinned = [found[row["model"], int(row["instruction_index"])] for row in rows]
    return [_case(one.place, [one], f"canary@{version}") for one in pinned]


def _known_1(
    row: Mapping[str, Any],
    number: int,
    model: str,
    texts: Mapping[str, str],
    baseline: Sequence[Mapping[str, str]],
) -> _Known:
    place = int(row["instruction_index"])
    instruction = baseline[place]["instruction"]
    text = texts[instruction]
    if len(text) != row["len_output_2"]:
        raise DataError(
            f"expected an answer of {row['len_output_2']} characters by {model} to instruction "
            f"{place}, came {len(text)}; are the judgments of other answers?"
        )
    output, gold = baseline[place]["output"], fields.preference(row, number)
    return _Known(place, instruction, model, text, str(row["generator_1"]), output, gold)


def _case(place: int, known: Sequence[_Known], name: str = "alpaca_eval") -> Case:
    prompt = Prompt(f"{name}/{place}", (known[0].instruction,), Decoding(max_tokens=0))
    first = Generation(prompt, known[0].baseline, (Response(known[0].baseline_text),))
    others = [Generation(prompt, one.model, (Response(one.text),)) for one in known]
    pairs = [Pair(number, 0, one.gold) for number, one in enumerate(known, 1)]
    return Case((first, *others), tuple(pairs))


def _places(assets: Assets) -> dict[str, int]:
    rows = json.loads(assets.read(_BASELINE_1))
    return {row["instruction"]: place for place, row in enumerate(rows)}


def _full(model: str) -> str:
    return f"alpaca_eval/annotations_full/{model}.json"


def _rows_1(model: str) -> str:
    return f"alpaca_eval/annotations_v1/{model}.jsonl"


_ASSETS_2 = (_BASELINE_1, *map(_full, MODELS_2))

TRIALS = (
    Trial(
        name="alpaca_eval@2.0",
        title="AlpacaEval 2.0, six models",
        gold="openai:gpt-4-1106-preview",
        load=lambda assets: cases(list(known_2(assets))),
        rubric="alpaca_eval@2.0",
        assets=_ASSETS_2,
        attacks=(_NULL,),
    ),
    Trial(
        name="alpaca_eval@1.0",
        title="AlpacaEval 1.0, three models",
        gold="openai:gpt-4",
        load=lambda assets: cases(list(known_1(assets))),
        rubric="alpaca_eval@1.0",
        assets=(_BASELINE_1, *map(_full, MODELS_1), *map(_rows_1, MODELS_1)),
    ),
    *(
        Trial(
            name=f"canary@{version}",
            title=f"thirty clear verdicts by the rubric of AlpacaEval {version}",
            gold="openai:gpt-4-1106-preview",
            load=partial(canary, version),
            rubric=f"alpaca_eval@{version}",
            assets=_ASSETS_2,
            pinned=True,
        )
        for version in ("2.0", "1.0")
    ),
)
"""What `run_eval.py judge-eval` finds here."""
