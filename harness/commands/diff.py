"""`diff`: two runs, what decided them and what came of it."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from harness.commands.setting import Setting
from harness.errors import DataError
from harness.report.difference import (
    Pair,
    Side,
    difference_data,
    identity_table,
    items_table,
    scores_table,
)
from harness.report.runs import Saved, SavedRun, read_run
from harness.report.table import Table


def diff(ours: Path, theirs: Path, setting: Setting) -> list[Table]:
    """Prints what differs between two runs, and how the same prompts came out.

    Checkpoints of the same name are compared, on the same benchmark in whatever version; where a
    run has one checkpoint only, it is compared with the other run's only one.

    Raises:
        DataError: A run cannot be read, or the two have no checkpoint or no prompt in common.
    """
    runs = read_run(ours), read_run(theirs)
    pairs = list(_pairs(*runs))
    if not pairs:
        raise DataError(
            f"expected two runs with a benchmark and a checkpoint in common, came "
            f"{_told(runs[0])} in {ours} and {_told(runs[1])} in {theirs}; compare others"
        )
    versions = _versions(runs[0]), _versions(runs[1])
    tables = [identity_table(pairs, versions), scores_table(pairs), items_table(pairs)]
    setting.show(tables)
    for line in _left_out(runs, pairs):
        setting.note(line)
    setting.keep(difference_data(pairs, versions))
    return tables


def _pairs(ours: SavedRun, theirs: SavedRun) -> Iterator[Pair]:
    for one in ours.results:
        name = _name(one)
        rivals = [other for other in theirs.results if _name(other) == name]
        same = [other for other in rivals if other.checkpoint == one.checkpoint]
        alone = len(rivals) == sum(_name(mine) == name for mine in ours.results) == 1
        for other in same or (rivals if alone else []):
            yield _pair(one, other)


def _pair(one: Saved, other: Saved) -> Pair:
    """The two results.

    Raises:
        DataError: Both have prompts, and none is the same.
    """
    ids = {item.id for item in one.items}, {item.id for item in other.items}
    if all(ids) and not ids[0] & ids[1]:
        raise DataError(
            f"expected prompts of {one.benchmark} in common, '{one.checkpoint}' and "
            f"'{other.checkpoint}' have none of {len(ids[0])} and {len(ids[1])}; score both on the "
            f"same prompts"
        )
    labels = dict.fromkeys((one.benchmark, other.benchmark))
    return Pair(" and ".join(labels), _side(one), _side(other))


def _side(one: Saved) -> Side:
    return Side(one.checkpoint, {"model": one.model, **one.identity}, one.scores, one.items)


def _name(one: Saved) -> str:
    return one.benchmark.partition("@")[0]


def _told(run: SavedRun) -> str:
    return ", ".join(f"{one.checkpoint} on {one.benchmark}" for one in run.results) or "no results"


def _versions(run: SavedRun) -> Mapping[str, str]:
    found: Mapping[str, str] = run.provenance.get("versions", {})
    return found


def _left_out(runs: Sequence[SavedRun], pairs: Sequence[Pair]) -> Iterator[str]:
    shown = {(pair.benchmark, side.checkpoint) for pair in pairs for side in (pair[1], pair[2])}
    for run in runs:
        for one in run.results:
            if not any(one.benchmark in label and one.checkpoint == c for label, c in shown):
                yield f"only in {run.path}: {one.checkpoint} on {one.benchmark}"
