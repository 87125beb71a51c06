"""`rescore --outputs`: answers that are already there to scores, no model called."""

from harness import registry
from harness.commands.classify import read_classes
from harness.commands.setting import Setting
from harness.errors import SpecError
from harness.pipeline import Result, benchmark_identity, withhold
from harness.report.breakdown import breakdown_data, breakdown_table
from harness.report.save import document
from harness.report.scores import parts_tables, results_table
from harness.report.table import Table
from harness.rows import read_files, stem
from harness.types import Assets, Benchmark, Matcher, Rows


def rescore_outputs(
    name: str, outputs: str, setting: Setting, *, items: bool = False, by: str | None = None
) -> list[Table]:
    """Scores every file of answers, a row each.

    Args:
        name: Of the benchmark, with or without a version.
        outputs: A file or a folder of files.
        setting: Where official files are and where output goes.
        items: Whether the data hold every answer's value too.
        by: A file of classes, by which the results are broken down in a further table.

    Raises:
        SpecError: The benchmark cannot decide about answers by itself.
        HarnessError: A file is damaged or of another benchmark.
    """
    benchmark, assets = registry.benchmark(name), setting.library()
    if benchmark.files.rescore_outputs is None:
        raise SpecError(
            f"expected --judgments for {benchmark.card.label}, whose answers a judge compares; "
            f"to have them judged, run 'score replay:FILE -b {benchmark.card.label} -j JUDGE'"
        )
    files = read_files(outputs, assets)
    results = [(stem(file), _result(benchmark, rows, assets)) for file, rows in files.items()]
    tables = [results_table(results), *parts_tables(results)]
    broken = {}
    if by is not None:
        classes = read_classes(by, benchmark, assets)
        tables.append(breakdown_table(results, classes))
        broken = {"by_class": breakdown_data(results, classes)}
    setting.show(tables)
    setting.keep({**document(results, items=items), **broken})
    return tables


def _result(benchmark: Benchmark, rows: Rows, assets: Assets) -> Result:
    rescored, grader = benchmark.files.rescore_outputs, benchmark.grader(assets)
    if rescored is None or not isinstance(grader, Matcher):
        raise SpecError(f"expected {benchmark.card.label} to match answers; a judge must decide")
    model, judge, scores, items = rescored(rows, assets)
    identity = benchmark_identity(benchmark, assets) | {
        "prompts": str(len(items)),
        "judge": judge,
        "judge matcher": grader.name,
        "judge matcher sha256": grader.digest,
    }
    kept = [withhold(benchmark.card, score) for score in scores]
    return Result(benchmark.card, model, judge, identity, kept, items)
