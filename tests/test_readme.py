import re

from harness import registry
from tests.readme import CHEAP, PAGE, SHOWN, written
from train.objectives import OBJECTIVES


def test_the_generated_parts_are_up_to_date() -> None:
    page = PAGE.read_text()
    assert written(page, CHEAP) == page, "run: make readme"


def test_every_benchmark_judge_backend_and_objective_is_named() -> None:
    page = PAGE.read_text()
    for benchmark in registry.benchmarks():
        assert benchmark.card.label in page
    for name in (*registry.judges(), *registry.backends(), *OBJECTIVES):
        assert re.search(rf"\b{name}\b", page), name


def test_every_file_has_a_line_in_the_map() -> None:
    page = PAGE.read_text()
    sources = [path for name in SHOWN for path in (PAGE.parent / name).rglob("*.py")]
    assert [path.name for path in sources if path.name not in page] == ["__init__.py"] * sum(
        path.name == "__init__.py" for path in sources
    )
