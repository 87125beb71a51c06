"""Judgments that are already paid for, put into the store so that nobody is asked again."""

from harness.commands.models import Models
from harness.errors import DataError
from harness.judging import asking, judge_prompt
from harness.rows import read_files
from harness.types import Assets, Benchmark, Generation, Prompt, Response, Rows, Rubric, Unread


def import_judgments(source: str, judge: str, benchmark: Benchmark, models: Models) -> None:
    """Puts what a judge said into the store, as far as it can be read.

    Args:
        source: A file, a folder of files, or `asset:NAME`.
        judge: Whose judgments they must be.
        benchmark: What they are of.
        models: Where the judge is opened, and whose store takes them.

    Raises:
        DataError: A file is damaged, or its judgments are another's.
    """
    rubric = asking(benchmark.grader(models.assets))
    identity = models.of_judge(judge, benchmark, rubric).identity
    for name, rows in read_files(source, models.assets).items():
        said = _said(judge, benchmark, rubric, rows, models.assets, name)
        models.store.put(identity, said, source=name)


def _said(
    judge: str, benchmark: Benchmark, rubric: Rubric, rows: Rows, assets: Assets, name: str
) -> dict[Prompt, list[Response]]:
    judgments = benchmark.files.read_judgments(rows, assets)
    others = {one.judge for one in judgments} - {judge}
    if others or not judgments:
        came = (
            f"by '{min(others)}'"
            if others
            else "without what the judge was asked or what it answered"
        )
        raise DataError(
            f"expected judgments by '{judge}' in {name}, came some {came}; name another judge "
            f"with -j, or other judgments"
        )
    answers = {judge_prompt(rubric, one.comparison): one.raw for one in judgments}
    return {
        prompt: [raw]
        for prompt, raw in answers.items()
        if not isinstance(rubric.read(Generation(prompt, "", (raw,))), Unread)
    }
