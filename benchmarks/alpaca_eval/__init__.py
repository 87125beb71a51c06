"""AlpacaEval: 805 instructions, each answer compared with a baseline's by a GPT-4 judge.

Version 2.0 (arXiv 2404.04475): baseline gpt4_1106_preview, judge gpt-4-1106-preview read by the
log-probabilities of one token, led by the length-controlled win rate.
Version 1.0: baseline text_davinci_003, judge gpt-4 that ranks the two outputs.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from benchmarks.alpaca_eval import columns, files, parity, scores
from benchmarks.alpaca_eval.rubric import (
    LOGPROB_TEMPLATE,
    RANKING_TEMPLATE,
    logprob_rubric,
    ranking_rubric,
)
from harness.pairing import against
from harness.types import (
    Assets,
    Benchmark,
    Card,
    Decoding,
    Files,
    Generation,
    Prompt,
    Redrawn,
    Rescored,
    Response,
    Rows,
    Score,
    Verdict,
)

BASELINE_2 = "gpt4_1106_preview"
BASELINE_1 = "text_davinci_003"
ANNOTATOR_2 = files.Annotator(
    "weighted_alpaca_eval_gpt4_turbo", "openai:gpt-4-1106-preview", reads_logprobs=True
)
ANNOTATOR_1 = files.Annotator("alpaca_eval_gpt4", "openai:gpt-4", reads_logprobs=False)
DECODING = Decoding(max_tokens=2048)
"""Greedy; the published protocol leaves decoding to each model, so a series may set its own."""


def load_baseline(name: str, assets: Assets) -> list[Generation]:
    """The published answers of a baseline to the 805 instructions, in official order."""
    rows = json.loads(assets.read(_outputs(name)))
    return [
        Generation(
            Prompt(f"alpaca_eval/{index}", (row["instruction"],), DECODING),
            name,
            (Response(row["output"]),),
        )
        for index, row in enumerate(rows)
    ]


def load(baseline: str, assets: Assets) -> list[Prompt]:
    """The 805 instructions in official order, as the baseline answered them."""
    return [answer.prompt for answer in load_baseline(baseline, assets)]


def without_texts(raw: bytes, assets: Assets) -> bytes:
    """Published annotations in the small form whose hash the catalogue pins."""
    return columns.without_texts(raw, _order(BASELINE_2, assets))


def aggregate_2(verdicts: Sequence[Verdict], assets: Assets) -> list[Score]:
    """Length-controlled win rate first, then the plain ones."""
    return scores.length_controlled_scores(scores.judged(verdicts), assets)


def aggregate_1(verdicts: Sequence[Verdict], _assets: Assets) -> list[Score]:
    """Win rate, discrete win rate and average length."""
    return scores.plain_scores(scores.judged(verdicts))


def rescore_2(rows: Rows, assets: Assets) -> Rescored:
    """Published 2.0 judgments."""
    table = columns.read_columns(rows, BASELINE_2, _order(BASELINE_2, assets))
    return _rescored(rows, ANNOTATOR_2, table, scores.length_controlled_scores(table, assets))


def redraw_2(rows: Rows, assets: Assets) -> Redrawn | None:
    """The length-controlled win rate of 2.0 judgments, refitted on resampled prompts."""
    table = columns.read_columns(rows, BASELINE_2, _order(BASELINE_2, assets))
    return scores.redraw_lc(table, scores.read_calibration(assets))


def rescore_1(rows: Rows, assets: Assets) -> Rescored:
    """Published 1.0 judgments."""
    table = columns.read_columns(rows, BASELINE_1, _order(BASELINE_1, assets))
    return _rescored(rows, ANNOTATOR_1, table, scores.plain_scores(table))


def identify_2(assets: Assets) -> Mapping[str, str]:
    """Which calibration file the length control rests on."""
    return {"baseline": BASELINE_2, "calibration": scores.calibration_name(assets)}


def identify_1(_assets: Assets) -> Mapping[str, str]:
    """The baseline."""
    return {"baseline": BASELINE_1}


def _rescored(
    rows: Rows, annotator: files.Annotator, table: scores.Judged, found: list[Score]
) -> Rescored:
    model, judge = str(rows[0]["generator_2"]), annotator.judge_of(rows[0], 0)
    return Rescored(model, judge, found, columns.items(table))


def _order(baseline: str, assets: Assets) -> list[str]:
    return [prompt.turns[0] for prompt in load(baseline, assets)]


def _outputs(model: str) -> str:
    return f"alpaca_eval/model_outputs/{model}.json"


def _card(version: str, judge: str, metrics: tuple[str, ...], assets: tuple[str, ...]) -> Card:
    return Card(
        name="alpaca_eval",
        version=version,
        title=f"AlpacaEval {version}",
        paper="2404.04475",
        source="https://github.com/tatsu-lab/alpaca_eval/tree/cd543a149df89434d8a54582c0151c0b945c3d20",
        licence="Apache-2.0 (code), CC-BY-NC-4.0 (data)",
        judge=judge,
        n_prompts=805,
        metrics=metrics,
        assets=assets,
        min_coverage=0.95,
    )


def _files(annotator: files.Annotator, rescore: Callable[[Rows, Assets], Rescored]) -> Files:
    return Files(
        read_outputs=lambda rows, _: files.read_outputs(rows),
        write_outputs=files.write_outputs,
        read_judgments=lambda rows, _: files.read_judgments(rows, annotator),
        write_judgments=partial(files.write_judgments, annotator=annotator),
        rescore=rescore,
    )


BENCHMARK = Benchmark(
    card=_card(
        "2.0",
        ANNOTATOR_2.judge,
        ("lc_win_rate", "win_rate", "discrete_win_rate", "avg_length"),
        (_outputs(BASELINE_2), LOGPROB_TEMPLATE, scores.OFFICIAL_CALIBRATION),
    ),
    load=partial(load, BASELINE_2),
    compare=against(partial(load_baseline, BASELINE_2)),
    grader=logprob_rubric,
    aggregate=aggregate_2,
    files=replace(_files(ANNOTATOR_2, rescore_2), redraw=redraw_2),
    verify=partial(parity.verify_2, annotator=ANNOTATOR_2),
    identify=identify_2,
)

VERSION_1 = Benchmark(
    card=_card(
        "1.0",
        ANNOTATOR_1.judge,
        ("win_rate", "discrete_win_rate", "avg_length"),
        (_outputs(BASELINE_1), RANKING_TEMPLATE),
    ),
    load=partial(load, BASELINE_1),
    compare=against(partial(load_baseline, BASELINE_1)),
    grader=ranking_rubric,
    aggregate=aggregate_1,
    files=_files(ANNOTATOR_1, rescore_1),
    verify=parity.verify_1,
    identify=identify_1,
)

VERSIONS = (BENCHMARK, VERSION_1)
"""The first is what `alpaca_eval` without a version means."""
