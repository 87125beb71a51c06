"""Pairs of the helpful, honest, harmless alignment evaluation: people's choice of two replies.

Source: arXiv 2112.00861; the pairs as prometheus-eval/prometheus-eval@dcfb4427 has them, each reply
inside a rating prompt of that project, out of which it is read here. A dialogue stays one text, as
published.
"""

import hashlib
import json
import re

from harness.errors import DataError
from harness.trials.cases import Case, Pair, Trial
from harness.trials.people import PEOPLE
from harness.types import Assets, Decoding, Generation, Prompt, Response

PAIRS = "training_demo/hhh_alignment_pairs.json"

_PARTS = re.compile(
    r"###The instruction to evaluate:\n(.*?)\n\n"
    r"###Response to evaluate:\n(.*)\n\n###Score Rubrics:",
    re.DOTALL,
)


def cases(assets: Assets) -> list[Case]:
    """The 221 pairs in published order; a coin for each says which reply is the candidate.

    Raises:
        DataError: The file is not of the published form.
    """
    return [_case(number, row) for number, row in enumerate(json.loads(assets.read(PAIRS)))]


def _case(number: int, row: dict[str, str]) -> Case:
    asked, chosen = _parts(number, row["chosen_instruction"])
    _, rejected = _parts(number, row["rejected_instruction"])
    prompt = Prompt(f"hhh/{number}", (asked,), Decoding(max_tokens=0))
    replies = [Generation(prompt, "", (Response(text),)) for text in (chosen, rejected)]
    # A side that always wins would leave chance nothing to do.
    swapped = hashlib.sha256(f"{asked}{chosen}".encode()).digest()[0] % 2 == 1
    return Case(tuple(replies), (Pair(1, 0, 0.0) if swapped else Pair(0, 1, 1.0),))


def _parts(number: int, text: str) -> tuple[str, str]:
    found = _PARTS.search(text)
    if found is None:
        raise DataError(f"expected an instruction and a response in row {number} of {PAIRS}")
    return found[1], found[2]


TRIALS = (
    Trial(
        name="hhh",
        title="HHH alignment pairs",
        gold=PEOPLE,
        load=cases,
        assets=(PAIRS,),
    ),
)
