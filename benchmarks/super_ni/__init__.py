"""Super-NaturalInstructions: 119 English test tasks, each told in words, answers by ROUGE-L.

Versions differ in what a prompt holds (the definition alone, or two positive examples too) and in
its form: that of Tk-Instruct, or one for chat models.
"""

import hashlib
from collections.abc import Mapping, Sequence
from functools import partial

from benchmarks.super_ni import data, parity
from benchmarks.super_ni.prompts import Encode, chat, tk_instruct
from benchmarks.super_ni.scores import METRICS, Scored, exact_match, rouge_l, scores
from harness import outputs
from harness.pairing import alone
from harness.types import (
    Assets,
    Benchmark,
    Card,
    Comparison,
    Decoding,
    Matcher,
    Prompt,
    Score,
    Unread,
    Verdict,
)

DECODING = Decoding(max_tokens=128)
"""Greedy, and as long as upstream's."""
SOURCE = "https://github.com/yizhongw/Tk-Instruct/tree/7c0e4000901e7c148fbb8964042ebfc433f8d98e"
_Asked = dict[str, tuple[data.Task, data.Instance]]
first_hundred = data.first_hundred


def asked(assets: Assets) -> _Asked:
    """Every task and instance at hand by its prompt's id, in official order."""
    return {one.prompt_id: (task, one) for task in data.at_hand(assets) for one in task.instances}


def load(encode: Encode, shots: int, assets: Assets) -> list[Prompt]:
    """The first hundred instances of each task at hand."""
    return [
        Prompt(name, (encode(task, one, shots),), DECODING)
        for name, (task, one) in asked(assets).items()
    ]


def matcher(assets: Assets) -> Matcher:
    """ROUGE-L, the best over an instance's right outputs."""
    known = asked(assets)
    digest = hashlib.sha256(repr([one.golds for _, one in known.values()]).encode()).hexdigest()

    def match(comparison: Comparison) -> float | Unread:
        _, instance = known[comparison.candidate.prompt.id]
        return rouge_l(instance, comparison.texts[0])

    return Matcher("rouge_l, stemmed, best over references", digest, match)


def aggregate(verdicts: Sequence[Verdict], assets: Assets) -> list[Score]:
    """ROUGE-L and exact match: over all, by category, by task."""
    known, found = asked(assets), []
    for verdict in verdicts:
        task, instance = known[verdict.comparison.candidate.prompt.id]
        exact = exact_match(instance, verdict.comparison.texts[0])
        found.append(Scored(task, verdict.value, None if verdict.value is None else exact))
    return scores(found, len(data.names(assets)))


def identify(assets: Assets) -> Mapping[str, str]:
    """Which tasks are at hand, and what is in them: a part is another benchmark than the whole."""
    here, all_names = data.at_hand(assets), data.names(assets)
    digest = hashlib.sha256(repr(here).encode()).hexdigest()
    return {"tasks": f"{len(here)} of {len(all_names)}, sha256 {digest[:12]}"}


def task_of(item_id: str) -> str:
    """What an instance is one of: its task, by whose definition all are answered."""
    return item_id.rpartition("/")[0]


def categories(assets: Assets) -> Mapping[str, str]:
    """The category of each instance's task."""
    return {name: task.category for name, (task, _) in asked(assets).items()}


def _version(version: str, title: str, encode: Encode, shots: int) -> Benchmark:
    ask = partial(load, encode, shots)
    return Benchmark(
        card=Card(
            name="super_ni",
            version=version,
            title=f"Super-NaturalInstructions, {title}",
            paper="2204.07705",
            source=SOURCE,
            licence="Apache-2.0",
            judge="exact",
            n_prompts=2300,
            metrics=METRICS,
            assets=(data.NAMES, *(data.asset(name) for name in parity.TASKS)),
            min_coverage=0.95,
            notes="23 of the 119 test tasks have a hash; the others' first download gives it",
        ),
        load=ask,
        compare=alone(),
        grader=matcher,
        aggregate=aggregate,
        files=outputs.files("super_ni", ask, matcher, aggregate),
        verify=parity.verify,
        identify=identify,
        cluster=task_of,
        categories=categories,
    )


BENCHMARK = _version("2-shot", "definition and 2 examples", tk_instruct, 2)
VERSIONS = (
    BENCHMARK,
    _version("0-shot", "definition", tk_instruct, 0),
    _version("2-shot-chat", "definition and 2 examples, for chat models", chat, 2),
    _version("0-shot-chat", "definition, for chat models", chat, 0),
)
"""The first is what `super_ni` without a version means."""
