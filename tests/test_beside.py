"""What a series measured stands beside what papers print of the same benchmarks."""

from typing import Any

from harness import registry
from harness.commands.beside import papers
from harness.report.reproduction import PaperTable, Ruling
from harness.report.runs import Saved
from harness.types import Score

ITER3 = "hf:UCLA-AGI/Mistral7B-PairRM-SPPO-Iter3"
CARD = registry.benchmark("alpaca_eval@2.0").card


def saved(name: str, model: str, value: float = 0.31, **fields: Any) -> Saved:
    """A result on AlpacaEval 2.0 as the paper measured it, unless a field says otherwise."""
    identity = {"benchmark": CARD.label, "judge": CARD.judge, "prompts": "805"}
    identity |= {"baseline": "gpt4_1106_preview"}
    scores = [Score("win_rate", value, 805, interval=(value - 0.02, value + 0.02))]
    one = Saved(name, CARD.label, model, CARD.judge, identity, scores, [], "run")
    return one._replace(**fields)


def table(name: str, *results: Saved) -> PaperTable:
    (found,) = (one for one in papers(results) if one.table.name == name)
    return found


def test_a_checkpoint_with_a_papers_weights_is_ruled_upon_in_its_row() -> None:
    one = table("sppo:table1", saved("mine", ITER3))
    (ruled,) = (c for c in one.compared if c.measured is not None)
    assert (ruled.printed.row, ruled.printed.text) == ("Mistral-7B-SPPO Iter3", "31.02")
    assert ruled.ruling is Ruling.MATCH
    assert one.others == []


def test_another_checkpoint_stands_below_comparable_or_not() -> None:
    judged = saved("b", "hf:b", judge="pairrm")
    judged = judged._replace(identity={**judged.identity, "judge": "pairrm"})
    one = table("sppo:table1", saved("a", "hf:a"), judged)
    assert [(o.checkpoint, o.column, list(o.reasons)) for o in one.others] == [
        ("a", "win rate", []),
        ("b", "win rate", [f"judge: pairrm instead of {CARD.judge}"]),
    ]


def test_of_two_judges_the_official_one_stands_beside_the_paper() -> None:
    other = saved("mine", ITER3, 0.9, judge="pairrm")
    one = table("sppo:table1", other, saved("mine", ITER3))
    (ruled,) = (c for c in one.compared if c.measured is not None)
    assert ruled.measured is not None
    assert ruled.measured.value == 31.0


def test_only_columns_of_the_benchmarks_are_shown() -> None:
    assert table("sppo:table1", saved("a", "hf:a")).table.columns == [
        "LC win rate",
        "win rate",
        "length",
    ]


def test_a_benchmark_that_no_paper_prints_has_no_table() -> None:
    assert papers([saved("a", "hf:a", benchmark="lmentry@1.0")]) == []
    assert papers([]) == []
