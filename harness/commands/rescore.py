"""`rescore`: published or imported judgments to scores, no model called."""

from harness import registry
from harness.commands.classify import read_classes
from harness.commands.setting import Setting
from harness.pipeline import Result, benchmark_identity, withhold
from harness.report.breakdown import breakdown_data, breakdown_table
from harness.report.save import document
from harness.report.scores import parts_tables, results_table
from harness.report.table import Table
from harness.rows import read_files, stem
from harness.types import Assets, Benchmark, Rows


def rescore(
    name: str, judgments: str, setting: Setting, *, items: bool = False, by: str | None = None
) -> Table:
    """Scores every file of judgments, a row for each model that it is of.

    Args:
        name: Of the benchmark, with or without a version.
        judgments: A file, a folder of files, or `asset:NAME`.
        setting: Where official files are and where output goes.
        items: Whether the data hold every verdict too.
        by: A file of classes, by which the results are broken down in a further table.

    Raises:
        HarnessError: A file is damaged or of another benchmark.
    """
    benchmark, assets = registry.benchmark(name), setting.library()
    files = read_files(judgments, assets)
    parts = [
        (model or stem(file), part)
        for file, rows in files.items()
        for model, part in _split(benchmark, rows).items()
    ]
    results = [(name, _result(benchmark, part, assets)) for name, part in parts]
    table = results_table(results)
    classes = None if by is None else read_classes(by, benchmark, assets)
    further = [] if classes is None else [breakdown_table(results, classes)]
    setting.show([table, *parts_tables(results), *further])
    broken = {} if classes is None else {"by_class": breakdown_data(results, classes)}
    setting.keep({**document(results, items=items), **broken})
    return table


def _split(benchmark: Benchmark, rows: Rows) -> dict[str, Rows]:
    """The rows of each model that a file is of; a file of one model goes by its own name."""
    parts = benchmark.files.split(rows)
    return parts if len(parts) > 1 else {"": rows}


def _result(benchmark: Benchmark, rows: Rows, assets: Assets) -> Result:
    card = benchmark.card
    model, judge, scores, items = benchmark.files.rescore(rows, assets)
    facts = {"judge": judge, "prompts": str(len(items))}
    identity = benchmark_identity(benchmark, assets) | facts
    kept = [withhold(card, score) for score in scores]
    return Result(card, model, judge, identity, kept, items)
