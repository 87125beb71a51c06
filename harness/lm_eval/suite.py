"""Benchmarks made of lm-eval's tasks: asked, stored and shown as every other benchmark is.

lm-eval's definitions make the requests and score the answers. One prompt is one document with all
its choices, or as few as can ask for them.
"""

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from harness.errors import DataError, SpecError
from harness.lm_eval import rows
from harness.lm_eval.asking import Document
from harness.lm_eval.measuring import Measured, Measures, averaged, measure, score, summed
from harness.lm_eval.opening import Opened, Part, Suite, open_suite
from harness.lm_eval.package import quiet, version
from harness.pairing import alone
from harness.store.encoding import encode_request
from harness.types import (
    Assets,
    Benchmark,
    Card,
    Check,
    Comparison,
    Files,
    Generation,
    Item,
    Matcher,
    Prompt,
    Rescored,
    Response,
    Rows,
    Score,
    Unread,
    Verdict,
)


def benchmark(card: Card, suite: Suite) -> Benchmark:
    """The benchmark of a suite."""
    made = _Made(card, suite)
    return Benchmark(
        card=card,
        load=made.load,
        compare=alone(),
        grader=made.matcher,
        aggregate=made.aggregate,
        files=Files(
            read_outputs=rows.no_outputs,
            write_outputs=rows.write_outputs,
            read_judgments=rows.no_judgments,
            write_judgments=rows.write_judgments,
            rescore=rows.no_rescore,
            rescore_outputs=made.rescore_outputs,
        ),
        verify=lambda _: [_UNPROVEN],
        identify=made.identify,
        items=made.items,
    )


_UNPROVEN = Check(
    "scores of published models",
    0,
    math.nan,
    math.nan,
    notes=("published scores come without answers, so that only the models could give them again",),
    provable=False,
)


def over_hub(card: Card, parts: Sequence[Part], rest: str) -> Benchmark:
    """The benchmark of the card over the hub's data instead of official files.

    Args:
        card: Of the benchmark over official files.
        parts: Its parts.
        rest: What followed the benchmark's name and a colon.

    Raises:
        SpecError: It is something else than "hub".
    """
    if rest != "hub":
        raise SpecError(f"expected {card.name} or {card.name}:hub, came '{card.name}:{rest}'")
    named = replace(card, version=f"{card.version}-hub", title=f"{card.title}, the hub's data")
    return benchmark(named, Suite(tuple(parts), hub=True))


@dataclass(eq=False)
class _Made:
    """The functions of a benchmark, which share what was opened last."""

    card: Card
    suite: Suite
    _opened: Opened | None = None
    _measured: dict[str, tuple[list[tuple[Response, ...]], Measures]] = field(default_factory=dict)

    def load(self, assets: Assets) -> list[Prompt]:
        return self._open(assets).prompts

    def matcher(self, assets: Assets) -> Matcher:
        opened = self._open(assets)
        name = f"lm-eval {version()}"
        return Matcher(name, _digest(opened.prompts), partial(self._match, _index(opened)))

    def aggregate(self, verdicts: Sequence[Verdict], assets: Assets) -> list[Score]:
        opened = self._open(assets)
        said = _said(verdicts)
        with quiet():
            found = [list(self._scores(opened, part, tasks, said)) for part, tasks in opened.parts]
        scores = [one for part in found for one in part]
        if len(found) == 1:
            return scores
        return [self._mean([part[0] for part in found]), *scores]

    def items(self, verdicts: Sequence[Verdict]) -> list[Item]:
        opened, said = self._opened, _said(verdicts)
        if opened is None:
            return []
        with quiet():
            return [
                self._item(part, document, said)
                for part, tasks in opened.parts
                for task in tasks
                for document in opened.documents[task]
                if any(asked.prompt.id in said for asked in document.asked)
            ]

    def identify(self, assets: Assets) -> dict[str, str]:
        opened, chat = self._open(assets), self.suite.chat
        shots = {p.name: opened.documents[tasks[0]][0].task for p, tasks in opened.parts}
        return {
            "engine": f"lm-eval {version()}",
            "data": "official files" if opened.local else "hub",
            "shots": ", ".join(f"{n} {t.config.num_fewshot}" for n, t in shots.items()),
            "chat template": "the model's, examples in the user's turn" if chat else "none",
            "requests sha256": _digest(opened.prompts),
        }

    def rescore_outputs(self, found: Rows, assets: Assets) -> Rescored:
        """Answers that `score` has written, scored again."""
        prompts = {prompt.id: prompt for prompt in self.load(assets)}
        answers = rows.read_answers(found, prompts)
        verdicts = [Verdict(Comparison(answer), "exact", None) for answer in answers]
        scores = self.aggregate(verdicts, assets)
        return Rescored(answers[0].model, "exact", scores, self.items(verdicts))

    def _open(self, assets: Assets) -> Opened:
        if self._opened is None or self._opened.assets is not assets:
            self._measured.clear()
            self._opened = open_suite(self.card.name, self.suite, assets)
        return self._opened

    def _match(self, index: Mapping[str, Document], asked: Comparison) -> float | Unread:
        document = index[asked.candidate.prompt.id]
        if len(document.asked) > 1:
            return Unread("a part of a document that is scored as a whole")
        with quiet():
            return self._right(document, [asked.candidate])

    def _right(self, document: Document, answers: Sequence[Generation]) -> float | Unread:
        """How right the document is by its task's first metric."""
        try:
            measures = self._measure(document, answers)
        except DataError as error:
            return Unread(str(error))
        share = _number(next(iter(measures.values()), None))
        is_share = share is not None and 0 <= share <= 1
        return share if share is not None and is_share else Unread("its metric is no share")

    def _measure(self, document: Document, answers: Sequence[Generation]) -> Measures:
        given = [answer.responses for answer in answers]
        kept = self._measured.get(document.id)
        if kept is None or kept[0] != given:
            kept = self._measured[document.id] = (given, measure(document, answers))
        return kept[1]

    def _scores(
        self, opened: Opened, part: Part, tasks: Sequence[str], said: Mapping[str, Generation]
    ) -> Iterator[Score]:
        doubts = [f"{part.name}: {doubt}" for doubt in _unlike(opened, tasks, said)]
        by_task = [self._task(opened.documents[task], said) for task in tasks]
        for metric, name in _columns(part, opened.documents[tasks[0]][0].task, by_task[0]):
            parts = [
                summed(
                    opened.documents[task][0].task,
                    metric,
                    [one[metric, name] for one in measured if (metric, name) in one],
                    lost,
                )
                for task, (measured, lost) in zip(tasks, by_task, strict=True)
            ]
            whole = parts[0] if len(parts) == 1 else averaged(parts)
            yield score(_title(part, metric, name), whole, doubts)

    def _task(
        self, found: Sequence[Document], said: Mapping[str, Generation]
    ) -> tuple[list[Measures], int]:
        """Measures of the documents that were answered, and how many were asked and were not."""
        measured, lost = [], 0
        for document in found:
            answers = [said.get(asked.prompt.id) for asked in document.asked]
            given = [one for one in answers if one is not None]
            if len(given) < len(answers):
                continue
            if any(one.failure is not None for one in given):
                lost += 1
            else:
                measured.append(self._measure(document, given))
        return measured, lost

    def _mean(self, scores: Sequence[Score]) -> Score:
        parts = [Measured(s.value, s.standard_error, _bounds(s), s.n, s.n_unread) for s in scores]
        doubted = [one.metric for one in scores if one.doubts]
        doubts = [f"the mean rests on parts with doubts: {', '.join(doubted)}"] if doubted else []
        return score("mean", averaged(parts), doubts)

    def _item(self, part: Part, document: Document, said: Mapping[str, Generation]) -> Item:
        answers = [said.get(asked.prompt.id) for asked in document.asked]
        given = [one for one in answers if one is not None]
        if len(given) < len(answers):
            return Item(document.id, None, "asked in part only")
        failure = next((one.failure for one in given if one.failure is not None), None)
        if failure is not None:
            return Item(document.id, None, f"no response: {failure}")
        measures = self._measure(document, given)
        (metric, name), *_ = _columns(part, document.task, ([measures], 0))
        value = _number(measures.get((metric, name)))
        cause = f"{metric} is none of single documents" if value is None else None
        return Item(document.id, value, cause)


def _number(value: Any) -> float | None:
    """The value as a number; some metrics keep pairs and lists of a document."""
    try:
        return None if value is None else float(value)
    except (TypeError, ValueError):
        return None


def _columns(
    part: Part, task: Any, measured: tuple[Sequence[Measures], int]
) -> list[tuple[str, str]]:
    """Metrics with their filters, the main one first."""
    found = list(measured[0][0]) if measured[0] else [(metric, "") for metric in task.aggregation()]
    if not part.metric:
        return found
    own = [key for key in found if key[0] == part.metric and part.filter in {"", key[1]}]
    return own[:1] or [(part.metric, part.filter)]


def _title(part: Part, metric: str, name: str) -> str:
    if part.metric:
        return part.name
    return metric if name in {"", "none"} else f"{metric} ({name})"


def _unlike(opened: Opened, tasks: Sequence[str], said: Mapping[str, Generation]) -> Iterator[str]:
    """What of a part is not as published, or not as asked."""
    yield from dict.fromkeys(opened.doubts[task] for task in tasks if task in opened.doubts)
    asked = [
        said[one.prompt.id]
        for task in tasks
        for document in opened.documents[task]
        for one in document.asked
        if one.prompt.id in said
    ]
    cut = [one for one in asked if any(response.cut for response in one.responses)]
    if cut:
        most = max(response.cut for one in cut for response in one.responses)
        yield (
            f"{len(cut)} of {len(asked)} contexts are longer than the window and lost their "
            f"beginning (first {cut[0].prompt.id}; at most {most} tokens)"
        )


def _said(verdicts: Sequence[Verdict]) -> dict[str, Generation]:
    answers = (verdict.comparison.candidate for verdict in verdicts)
    return {answer.prompt.id: answer for answer in answers}


def _index(opened: Opened) -> dict[str, Document]:
    return {
        asked.prompt.id: document
        for task in opened.documents.values()
        for document in task
        for asked in document.asked
    }


def _digest(prompts: Sequence[Prompt]) -> str:
    content = hashlib.sha256()
    for prompt in prompts:
        content.update(encode_request(prompt))
    return content.hexdigest()


def _bounds(one: Score) -> tuple[float, float] | None:
    if one.unit != "fraction":
        return None
    return one.bounds or (None if one.value is None else (one.value, one.value))
