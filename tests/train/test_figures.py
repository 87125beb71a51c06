"""Figures of optimiser steps."""

import pytest

from tests.train.jobs import EXAMPLES, Write, steps
from train.fit import fit

pytest_plugins = ["tests.tiny.fixtures"]
pytestmark = pytest.mark.usefixtures("own_cache")


def test_figures_that_were_cut_are_written_again(job: Write) -> None:
    data = job(epochs=2)
    data.with_suffix(".jsonl").write_text('{"iteration": 1, "step": 1}\n{"iteration": 1, "st')
    fit(data)
    assert [step["step"] for step in steps(data) if "loss" in step] == [1, 2, 3, 4, 5, 6]


def test_a_figure_is_the_mean_over_rows_of_unequal_passes(job: Write) -> None:
    whole, parts = (
        job(examples=EXAMPLES[:5], name=f"m{micro}", batch_size=8, micro_batch=micro)
        for micro in (8, 4)
    )
    fit(whole)
    fit(parts)
    assert steps(parts)[0]["length_chosen"] == pytest.approx(steps(whole)[0]["length_chosen"])


def test_the_log_tells_true_log_ratios(job: Write) -> None:
    data = job("sppo", epochs=4, schedule="constant")
    fit(data)
    first, *_, last = [step for step in steps(data) if "loss" in step]
    assert first["log_ratio_chosen"] == pytest.approx(0, abs=1e-3)
    assert last["log_ratio_chosen"] > 0 > last["log_ratio_rejected"]
    assert last["reward_chosen"] == pytest.approx(last["log_ratio_chosen"] / 5)  # eta
    assert last["reward_rejected"] == pytest.approx(last["log_ratio_rejected"] / 5)
    assert {"kl", "accuracy", "length_chosen", "learning_rate", "grad_norm"} <= last.keys()
