"""`list` and `assets`: what there is, and the official files behind it."""

from collections.abc import Sequence
from datetime import UTC, datetime

from harness import registry
from harness.assets import Asset, Library
from harness.commands.setting import Setting
from harness.errors import DataError, UnknownNameError
from harness.price_list import retires
from harness.report.table import Table
from harness.types import Benchmark


def show_names(setting: Setting) -> None:
    """Prints benchmarks, judges and backends."""
    benchmarks = registry.benchmarks()
    tables = [
        Table(
            "Benchmarks",
            ["name", "official judge", "prompts", "metrics", "arXiv"],
            [_benchmark_row(benchmark) for benchmark in benchmarks],
            words=5,
        ),
        Table("Judges", ["name", "what it is"], _lines("judge", registry.judges()), words=2),
        Table("Models", ["name", "what it is"], _lines("model", registry.backends()), words=2),
    ]
    setting.show(tables)
    setting.keep(
        {
            "benchmarks": [benchmark.card.label for benchmark in benchmarks],
            "judges": registry.judges(),
            "models": registry.backends(),
        }
    )


def show_assets(setting: Setting) -> None:
    """Prints every official file, with where it is."""
    library = setting.library()
    assets = list(library.catalogue.values())
    setting.show(
        [
            Table(
                "Official files",
                ["name", "here", "licence", "SHA-256"],
                [[a.name, _place(library, a), a.licence, a.sha256[:12]] for a in assets],
                words=4,
            )
        ]
    )
    setting.keep({"assets": [{**a._asdict(), "here": library.has(a.name)} for a in assets]})


def pull_assets(names: Sequence[str], setting: Setting) -> None:
    """Downloads the named files, or those that the benchmarks run on, if they are not here."""
    library = setting.library()
    chosen = _named(names, library) or _needed(library)
    for name in chosen:
        if not library.has(name):
            library.pull(name)
        setting.say(f"{name}: {library.find(name)}")
    setting.keep({"files": {name: str(library.find(name)) for name in chosen}})


def verify_assets(names: Sequence[str], setting: Setting) -> bool:
    """Checks the hash of the named files, or of all that are here; says whether all agree."""
    library = setting.library()
    chosen = _named(names, library) or [name for name in library.catalogue if library.has(name)]
    faults = [fault for name in chosen if (fault := _fault(library, name))]
    for fault in faults:
        setting.say(fault)
    setting.say(f"{len(chosen) - len(faults)} of {len(chosen)} files are what they should be")
    setting.keep({"checked": chosen, "faults": faults})
    return not faults


def _fault(library: Library, name: str) -> str | None:
    try:
        if not library.has(name):
            return f"{name} is not on this machine"
        library.read(name)
    except DataError as error:
        return str(error)
    return None


def _named(names: Sequence[str], library: Library) -> list[str]:
    """Files by name or by the beginning of their names."""
    for name in names:
        if not library.names(name):
            raise UnknownNameError("asset", name, library.catalogue)
    return [file for name in names for file in library.names(name)]


def _needed(library: Library) -> list[str]:
    """The files that the benchmarks run on, as far as they are here or can be had."""
    names = {name for b in registry.benchmarks() for name in b.card.assets}
    return sorted(n for n in names if library.catalogue[n].url or library.has(n))


def _place(library: Library, asset: Asset) -> str:
    if library.has(asset.name):
        return "yes"
    return "no" if asset.url else "no, mirrors only"


def _lines(kind: str, names: Sequence[str]) -> list[list[str]]:
    return [[name, registry.describe(kind, name)] for name in names]


def _benchmark_row(benchmark: Benchmark) -> list[str]:
    card = benchmark.card
    last = retires(card.judge)
    fate = f" (retired {last})" if last and last < datetime.now(UTC).date() else ""
    metrics = ", ".join(card.metrics)
    return [card.label, card.judge + fate, str(card.n_prompts), metrics, card.paper]
