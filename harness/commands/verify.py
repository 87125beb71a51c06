"""`verify`: published numbers recomputed from published judgments, offline."""

import math
from collections.abc import Sequence

from harness import registry
from harness.commands.setting import Setting
from harness.errors import DataError
from harness.report.table import Table
from harness.types import Assets, Benchmark, Check


def verify(name: str | None, setting: Setting) -> bool:
    """Checks a benchmark in all its versions, or all of them; says whether every check held.

    What cannot be proven by anybody is shown so, and held against nobody.
    """
    benchmarks = _named(name)
    assets = setting.library()
    checks = {b.card.label: _checked(b, assets) for b in benchmarks}
    setting.show([_table(label, found) for label, found in checks.items()])
    setting.keep({"checks": [_data(label, c) for label, found in checks.items() for c in found]})
    return all(c.holds or not c.provable for found in checks.values() for c in found)


def _checked(benchmark: Benchmark, assets: Assets) -> Sequence[Check]:
    """The benchmark's checks; one that is not proven where a file cannot be had or read."""
    try:
        return benchmark.verify(assets)
    except DataError as error:
        return [Check("what is published", 0, math.nan, math.nan, notes=(str(error),))]


def _named(name: str | None) -> list[Benchmark]:
    """All benchmarks, one in all its versions, or one version."""
    if name is None:
        return registry.benchmarks()
    one = registry.benchmark(name)
    if "@" in name:
        return [one]
    return [b for b in registry.benchmarks() if b.card.name == one.card.name]


def _table(label: str, checks: Sequence[Check]) -> Table:
    notes = dict.fromkeys(note for check in checks for note in check.notes)
    return Table(
        f"{label}: recomputed against published",
        ["what", "n", "largest difference", "limit", "verdict"],
        [[c.claim, str(c.n), _number(c), _limit(c), _verdict(c)] for c in checks],
        [*notes, *(f"largest for {c.claim}: {c.worst}" for c in checks if c.worst)],
    )


def _number(check: Check) -> str:
    return f"{check.largest:.2g}" if check.n else "–"


def _limit(check: Check) -> str:
    return "–" if math.isnan(check.limit) else f"{check.limit:g}"


def _verdict(check: Check) -> str:
    if not check.n:
        return "NOT PROVEN"
    return "holds" if check.holds else "DIFFERS"


def _data(label: str, check: Check) -> dict[str, object]:
    return {
        "benchmark": label,
        "claim": check.claim,
        "n": check.n,
        "largest": check.largest if check.n else None,
        "limit": None if math.isnan(check.limit) else check.limit,
        "worst": check.worst,
        "holds": check.holds,
        "provable": check.provable,
    }
