"""`train-judge`: labelled comparisons to a judge, with how often it is right about new ones."""

from pathlib import Path

from harness.commands.setting import Setting
from harness.report.scores import cell, score_data
from harness.report.table import Table
from harness.rows import read_files
from train.pair_ranker import Lessons, Taught, teach
from train.preferences import preferences


def train_judge(source: str, out: Path, lessons: Lessons, setting: Setting) -> Table:
    """Teaches a pair ranker and tells how it does on comparisons that it did not learn from.

    Args:
        source: A file of rows with prompt, chosen and rejected, or a folder of such files.
        out: The judge's folder, named as `pairrm:OUT`.
        lessons: How it learns.
        setting: Where output goes.

    Raises:
        HarnessError: The comparisons, the base or the folder are not what is needed.
    """
    files = read_files(source, setting.library())
    pairs = [pair for name, rows in files.items() for pair in preferences(rows, name)]
    taught = teach(pairs, out, lessons, setting.note)
    table = _table(taught, out)
    setting.show([table])
    setting.keep(
        {
            "format": "iterbench.judge/1",
            "judge": f"pairrm:{out}",
            "base": lessons.base,
            "seed": lessons.seed,
            "learned": taught.learned,
            "scores": [score_data(taught.accuracy)],
        }
    )
    return table


def _table(taught: Taught, out: Path) -> Table:
    return Table(
        "A judge, and how often it is right about prompts that it did not learn from, in percent",
        ["judge", "learned from", "held out", "right"],
        [[f"pairrm:{out}", str(taught.learned), str(taught.accuracy.n), cell(taught.accuracy)]],
    )
