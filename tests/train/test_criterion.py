"""An objective reads of a batch what its parameters name."""

import pytest
import torch

from harness.errors import DataError
from train import objectives
from train.criterion import Criterion, Seen
from train.forward import collate
from train.rows import Row

PAIR = Row(
    [6], [[7, 8, 4], [9, 4]], {"p_chosen": 0.8, "p_rejected": 0.3, "desirable": 1.0, "weight": 0.1}
)
ROWS = [PAIR, PAIR._replace(facts={**PAIR.facts, "desirable": 0.0, "weight": 1.0})]
THREES = [row._replace(responses=[*row.responses, [4]]) for row in ROWS]
REFERENCE = [[-3.0, -1.0], [-2.0, -4.0]]
LOGPS = torch.tensor([[-2.5, -1.5], [-1.0, -4.5]])
A, B = torch.tensor([0.5, 1.0]), torch.tensor([-0.5, -0.5])
"""The log-ratios of both rows: chosen and rejected."""


def losses(name: str, **settings: float) -> list[float]:
    seen = Seen(collate(ROWS, REFERENCE), LOGPS)
    found: list[float] = Criterion(name, settings).losses(seen).tolist()
    return found


@pytest.mark.parametrize(
    ("name", "settings", "expected"),
    [
        ("dpo", {"beta": 0.5}, objectives.dpo(A, B, beta=0.5)),
        (
            "ipo",
            {"beta": 0.5},
            objectives.ipo(A, B, torch.tensor([3.0, 3]), torch.tensor([2.0, 2]), beta=0.5),
        ),
        ("ipo_sum", {"beta": 0.5}, objectives.ipo_sum(A, B, beta=0.5)),
        (
            "sppo",
            {"eta": 5},
            objectives.sppo(A, B, torch.tensor([0.8, 0.8]), torch.tensor([0.3, 0.3]), eta=5),
        ),
        ("sppo_hard", {"eta": 5}, objectives.sppo_hard(A, B, eta=5)),
        (
            "kto",
            {"beta": 0.5},
            objectives.kto(A, torch.tensor([True, False]), torch.tensor(-0.5), beta=0.5),
        ),
        ("sft", {}, objectives.sft(LOGPS[:, 0])),
        ("c_rlft", {}, objectives.c_rlft(LOGPS[:, 0], torch.tensor([0.1, 1.0]))),
        (
            "tuna",
            {"margin": 0.1, "mle_weight": 1},
            objectives.tuna(LOGPS[:, :1] / 3, LOGPS[:, 1] / 2, margin=0.1, mle_weight=1),
        ),
    ],
)
def test_an_objective_is_called_with_what_it_names(
    name: str, settings: dict[str, float], expected: torch.Tensor
) -> None:
    assert losses(name, **settings) == pytest.approx(expected.tolist())


def test_every_objective_can_be_called_so() -> None:
    for name in objectives.OBJECTIVES:
        Criterion(name, {}).check_rows(THREES if name == "tuna" else ROWS)


def test_likelihoods_are_divided_by_weighted_tokens_and_the_others_by_rows() -> None:
    batch = collate(ROWS, REFERENCE)
    shares = {name: Criterion(name, {}).share(batch).tolist() for name in ("sft", "c_rlft", "dpo")}
    assert shares["sft"] == [3, 3]
    assert shares["c_rlft"] == pytest.approx([0.3, 3])
    assert shares["dpo"] == [1, 1]


def test_what_examples_must_have_is_what_is_read_of_them() -> None:
    needs = {name: Criterion(name, {}).needs for name in objectives.OBJECTIVES}
    assert needs["sppo"] == {"chosen", "rejected", "p_chosen", "p_rejected"}
    assert needs["dpo"] == needs["ipo"] == needs["kto"] == {"chosen", "rejected"}
    assert needs["tuna"] == {"candidates", "original"}
    assert needs["c_rlft"] == {"weight"}
    assert not needs["sft"]


def test_only_objectives_of_log_ratios_need_a_reference() -> None:
    without = {n for n in objectives.OBJECTIVES if not Criterion(n, {}).needs_reference}
    assert without == {"sft", "c_rlft", "tuna"}


@pytest.mark.parametrize(
    ("name", "rows", "came"),
    [
        ("dpo", [], "expected examples to train on, came none"),
        ("dpo", [Row([6], [[4]], {})], r"2 or more responses.*came \[1\]"),
        ("dpo", [Row([6], [[4]] * 2, {}), Row([6], [[4]] * 3, {})], r"all alike.*\[2, 3\]"),
        ("sppo", [Row([6], [[4]] * 2, {"p_chosen": 1})], r"without \['p_rejected'\]"),
        ("tuna", ROWS, r"3 or more responses.*came \[2\]"),
        ("kto", [Row([6], [[4]] * 2, {})], r"without \['desirable'\]"),
        ("c_rlft", [Row([6], [[4]], {})], r"without \['weight'\]"),
    ],
)
def test_rows_must_hold_what_is_read(name: str, rows: list[Row], came: str) -> None:
    with pytest.raises(DataError, match=came):
        Criterion(name, {}).check_rows(rows)
