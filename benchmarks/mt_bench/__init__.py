"""MT-Bench: 80 questions of two turns in eight categories, judged by GPT-4.

Version `original` (arXiv 2306.05685): each turn is rated from 1 to 10, the second in context, with
reference answers for math, reasoning and coding.
Version `corrected`: the same with reference answers that people checked, in the hand of the judge
that they are published for (FastChat's pull request 3158: 13 of the 30 original ones are wrong).
Version `pairwise`: each turn is compared with gpt-3.5-turbo's in both orders.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from benchmarks.mt_bench import files, pairs, parity, scores, singles
from benchmarks.mt_bench.questions import (
    CORRECTED_REFERENCES,
    ORIGINAL_REFERENCES,
    QUESTIONS,
    Question,
    load,
    load_questions,
    load_references,
)
from benchmarks.mt_bench.rubric import TEMPLATES, pair_rubric, rating_rubric
from harness.pairing import alone, both_ways
from harness.rows import parse_rows
from harness.types import (
    Assets,
    Benchmark,
    Card,
    Files,
    Generation,
    Rescored,
    Response,
    Rows,
    Score,
    Verdict,
)

BASELINE = "gpt-3.5-turbo"
BASELINE_ANSWERS = f"mt_bench/model_answer/{BASELINE}.jsonl"
TURNS = (0, 1)


def load_baseline(assets: Assets) -> list[Generation]:
    """The published answers of gpt-3.5-turbo, in official order."""
    rows = parse_rows(assets.read(BASELINE_ANSWERS), BASELINE_ANSWERS)
    answers = files.read_outputs(rows, assets)
    return [
        Generation(prompt, BASELINE, tuple(map(Response, answers[prompt.turns])))
        for prompt in load(assets)
        if prompt.turns in answers
    ]


def aggregate(verdicts: Sequence[Verdict], assets: Assets) -> list[Score]:
    """Mean ratings: overall, by turn, by category."""
    return scores.rating_scores(scores.judged(verdicts), _categories(assets))


def aggregate_pairs(verdicts: Sequence[Verdict], _assets: Assets) -> list[Score]:
    """Win rates against the baseline, and the shares that they are made of."""
    return scores.pairwise_scores(scores.met(verdicts))


def rescore(rows: Rows, assets: Assets) -> Rescored:
    """One model's published ratings."""
    found = singles.tally_singles(rows, _questions(assets))
    main, *others = scores.rating_scores(found.judged, _categories(assets))
    return Rescored(found.model, found.judge, [found.doubted(main), *others], found.items)


def rescore_pairs(rows: Rows, assets: Assets) -> Rescored:
    """One model's published games against one other."""
    found = pairs.tally_pairs(rows, _questions(assets), BASELINE)
    main, *others = scores.pairwise_scores(found.judged)
    return Rescored(found.model, found.judge, [found.doubted(main), *others], found.items)


def identify(references: str, assets: Assets) -> Mapping[str, str]:
    """Which reference answers the judge was shown."""
    digest = load_references(references, assets).digest
    return {"references": f"{references}, sha256 {digest[:12]}"}


def identify_pairs(assets: Assets) -> Mapping[str, str]:
    """The baseline and the reference answers."""
    return {"baseline": BASELINE, **identify(ORIGINAL_REFERENCES, assets)}


def _questions(assets: Assets) -> Mapping[int, Question]:
    return {one.id: one for one in load_questions(assets)}


def _categories(assets: Assets) -> Mapping[int, str]:
    return {one.id: one.category for one in load_questions(assets)}


def categories(assets: Assets) -> Mapping[str, str]:
    """Each prompt's category."""
    return {one.prompt.id: one.category for one in load_questions(assets)}


CARD = Card(
    name="mt_bench",
    version="original",
    title="MT-Bench",
    paper="2306.05685",
    source="https://github.com/lm-sys/FastChat/tree/0e6d3e4beaab66f4d3f93db72541a4abab8af28d",
    licence="Apache-2.0",
    judge="openai:gpt-4",
    n_prompts=80,
    metrics=scores.METRICS,
    assets=(QUESTIONS, TEMPLATES, ORIGINAL_REFERENCES),
    min_coverage=scores.MIN_COVERAGE,
)

BENCHMARK = Benchmark(
    card=CARD,
    load=load,
    compare=alone(TURNS),
    grader=partial(rating_rubric, ORIGINAL_REFERENCES),
    aggregate=aggregate,
    files=Files(
        read_outputs=files.read_outputs,
        write_outputs=files.write_outputs,
        read_judgments=partial(files.read_singles, references=ORIGINAL_REFERENCES),
        write_judgments=files.write_singles,
        rescore=rescore,
        split=singles.by_model,
    ),
    verify=parity.verify_singles,
    identify=partial(identify, ORIGINAL_REFERENCES),
    categories=categories,
    turns=TURNS,
    duel=partial(pair_rubric, ORIGINAL_REFERENCES),
)

CORRECTED = replace(
    BENCHMARK,
    card=replace(
        CARD,
        version="corrected",
        title="MT-Bench, corrected references",
        source="https://github.com/lm-sys/FastChat/tree/962316eba4e9db86bc8002243290e4074dabf48e",
        judge="openai:gpt-4-0125-preview",
        assets=(QUESTIONS, TEMPLATES, CORRECTED_REFERENCES),
    ),
    grader=partial(rating_rubric, CORRECTED_REFERENCES),
    files=replace(
        BENCHMARK.files,
        read_judgments=partial(files.read_singles, references=CORRECTED_REFERENCES),
    ),
    verify=parity.verify_corrected,
    identify=partial(identify, CORRECTED_REFERENCES),
    duel=partial(pair_rubric, CORRECTED_REFERENCES),
)

PAIRWISE = replace(
    BENCHMARK,
    card=replace(
        CARD,
        version="pairwise",
        title="MT-Bench, pairwise",
        metrics=scores.PAIRWISE_METRICS,
        assets=(*CARD.assets, BASELINE_ANSWERS),
    ),
    compare=both_ways(load_baseline, TURNS),
    grader=partial(pair_rubric, ORIGINAL_REFERENCES),
    aggregate=aggregate_pairs,
    files=replace(
        BENCHMARK.files,
        read_judgments=partial(files.read_pairs, references=ORIGINAL_REFERENCES),
        write_judgments=files.write_pairs,
        rescore=rescore_pairs,
        split=partial(pairs.by_sides, baseline=BASELINE),
    ),
    verify=parity.verify_pairs,
    identify=identify_pairs,
    items=scores.items,
    both_orders=True,
    duel=None,
)

VERSIONS = (BENCHMARK, CORRECTED, PAIRWISE)
"""The first is what `mt_bench` without a version means."""
