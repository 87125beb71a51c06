"""`bundle`: a run in one file, from which another machine scores it again, nobody asked."""

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.archive import read_archive, write_archive
from harness.commands.asked import ScoreRequest
from harness.commands.doors import Opened, Packing, Recollection, Row
from harness.commands.provenance import versions
from harness.commands.score import Again, score_again
from harness.commands.setting import Setting
from harness.errors import DataError
from harness.report.judge_eval import JUDGE_EVAL
from harness.report.runs import PROVENANCE, SCORES, SavedRun, read_run
from harness.report.save import prepare, write_json
from harness.report.trials import read_trial, trials_beside
from harness.spec import Series
from harness.store import Store
from harness.store.database import Answer
from harness.store.encoding import address, decode_responses, digest
from harness.types import Assets, ModelOptions

FORMAT = "iterbench.bundle/1"
_ABOUT, _ANSWERS, _IDENTITIES = "bundle.json", "answers.tsv", "identities.jsonl"
_SERIES, _PACKED, _STORE = "series.yaml", f"packed/{SCORES}", "store.sqlite"
_ASSETS = "assets/"
_TRIAL = re.compile(rf"judge-eval-[\w.-]+/{re.escape(JUDGE_EVAL)}")
"""What `judge-eval` found, in a folder beside the run's as it was."""


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    what: list[str]
    benchmarks: list[str]
    judge: str | None
    baseline: str | None
    limit: int | None
    gold_judge: str | None = None
    gold_n: int = 100
    until_decided: bool = False
    decoding: dict[str, int | float | None]
    options: ModelOptions


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    identity: dict[str, str]


class _Made(BaseModel):
    """What a run's provenance, and a bundle, say of how to score it again."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    request: _Request
    series: Series
    models: dict[str, _Model]
    failures: dict[str, str]
    versions: dict[str, str]
    series_file: str | None = None
    assets: dict[str, str] = {}
    canary: dict[str, list[str]] = {}

    def opened(self) -> dict[str, Opened]:
        """Who the models were."""
        return {key: Opened(one.name, one.identity) for key, one in self.models.items()}

    def asked(self, folder: Path) -> ScoreRequest:
        """The request, which writes to another folder; no code of anybody's is run."""
        fields = {name: getattr(self.request, name) for name in _Request.model_fields}
        fields["options"] = replace(self.request.options, trust_remote_code=False)
        return ScoreRequest(**fields, store=folder / _STORE, out=folder)


def pack(path: Path, store: Path, out: Path | None, setting: Setting, *, assets: bool) -> Path:
    """Packs a run: what its models answered, how it was asked, and the hashes of official files.

    The run is scored once more from the store, nobody asked, to see what it uses; a bundle is
    written only when that gives the same scores.

    Args:
        path: The run's folder.
        store: Where its answers are.
        out: The file to write; None is beside the folder.
        setting: Where official files are and where output goes.
        assets: Whether the official files that it reads are packed too.

    Raises:
        HarnessError: The run does not say how it was made, or not all that it used is at hand.
    """
    run, library = read_run(path), _Noting(setting.library())
    made = _made(run)
    target = out or run.path.parent.with_name(f"{run.path.parent.name}.tar.gz")
    scores = run.path.read_bytes()
    with Store(store) as answers, TemporaryDirectory() as scratch:
        doors = Packing(recorded=made.opened(), store=answers, failures=made.failures)
        again = Again(made.asked(Path(scratch)), made.series, answers, doors, library, made.canary)
        _check_same(scores, (score_again(again, setting) / SCORES).read_bytes(), run)
    about = {**run.provenance, "format": FORMAT, "run": run.path.parent.name}
    about |= {"assets": library.hashes(), "failures": made.failures | doors.lost}
    files = {
        _ABOUT: _json(about),
        _PACKED: scores,
        **_rows(doors.rows),
        **_trials(run),
        **({_SERIES: made.series_file.encode()} if made.series_file else {}),
        **(library.packed() if assets else {}),
    }
    write_archive(target, files)
    setting.say(
        f"{target}: {len(doors.rows)} answers of {len(made.models)} models, "
        f"{len(library.read_files)} official files {'packed' if assets else 'by hash'}"
    )
    counts = {"answers": len(doors.rows), "models": len(made.models)}
    setting.keep({"format": FORMAT, "bundle": str(target), **counts, "assets": library.hashes()})
    return target


def unpack(path: Path, into: Path | None, setting: Setting) -> bool:
    """Scores a bundle again, nobody asked; says whether its scores are the same bytes.

    Args:
        path: A bundle, or the folder that one was unpacked into.
        into: The folder to unpack into; None where it is unpacked already.
        setting: Where official files are and where output goes.

    Raises:
        HarnessError: It is no bundle, or an official file that it reads is not at hand.
    """
    folder = path if path.is_dir() else _unpacked(path, into)
    made = _about((folder / _ABOUT).read_bytes(), str(folder / _ABOUT))
    packed = folder / _ASSETS
    mirror = packed if setting.assets is None and packed.is_dir() else setting.assets
    library = replace(setting, assets=mirror).library()
    with Store(folder / _STORE) as store:
        doors = Recollection(recorded=made.opened(), store=store, failures=made.failures)
        again = Again(made.asked(folder), made.series, store, doors, library, made.canary)
        run = score_again(again, setting)
    write_json(run / PROVENANCE, json.loads((folder / _ABOUT).read_bytes()))
    same = (run / SCORES).read_bytes() == (folder / _PACKED).read_bytes()
    _tell(setting, folder, run, made, same=same)
    return same


def _tell(setting: Setting, folder: Path, run: Path, made: _Made, *, same: bool) -> None:
    here = versions()
    other = [
        f"{name} {was} there, {here.get(name, 'none')} here"
        for name, was in made.versions.items()
        if here.get(name) != was
    ]
    setting.keep({"format": FORMAT, "run": str(run), "same": same, "versions_differ": other})
    verdict = "the same bytes as in the bundle" if same else "NOT those of the bundle"
    setting.say(f"{run / SCORES}: {verdict}")
    if other:
        setting.say(f"versions differ: {'; '.join(other)}")
    if not same:
        setting.say(f"run_eval.py diff {folder / _PACKED} {run} shows what differs")
    setting.say(f"run_eval.py bundle --open {folder} scores it again")


def _unpacked(path: Path, into: Path | None) -> Path:
    if into is None:
        raise DataError(f"expected a folder to unpack {path} into, came none; name it with --into")
    files = read_archive(path)
    made = _about(files.get(_ABOUT, b""), f"{_ABOUT} of {path}")
    allowed = {_ABOUT, _ANSWERS, _IDENTITIES, _SERIES, _PACKED}
    allowed |= {_ASSETS + name for name in made.assets}
    allowed |= {name for name in files if _TRIAL.fullmatch(name)}
    foreign = sorted(files.keys() - allowed)
    lacking = sorted({_ANSWERS, _IDENTITIES, _PACKED} - files.keys())
    if foreign or lacking:
        came = f"'{foreign[0]}' too" if foreign else f"no '{lacking[0]}'"
        raise DataError(f"expected the files of a bundle in {path}, came {came}; pack it anew")
    if into.exists() and any(into.iterdir()):
        raise DataError(f"expected an empty folder at {into}, came one with files; name another")
    rows = _read_rows(files, path)
    prepare(into)
    for name in files.keys() - {_ANSWERS, _IDENTITIES}:
        place = into / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(files[name])
    with Store(into / _STORE) as store:
        for identity, answers in rows.items():
            store.take(identity, answers, source=path.name)
    return into


def _made(run: SavedRun) -> _Made:
    if not run.provenance:
        raise DataError(
            f"expected {PROVENANCE} beside {run.path}, found none: the run is of an older version; "
            f"run the same `score` again, which asks nobody what is stored"
        )
    return _about(json.dumps(run.provenance).encode(), str(run.path.with_name(PROVENANCE)))


def _about(content: bytes, origin: str) -> _Made:
    try:
        return _Made.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise DataError(
            f"expected {origin} to say how the run was made, but '{where}': {first['msg']}"
        ) from error


def _check_same(was: bytes, came: bytes, run: SavedRun) -> None:
    if was != came:
        raise DataError(
            f"expected the same scores from the store as in {run.path}, other ones came; data, "
            f"code or the store have changed since: run `score` again"
        )


def _rows(rows: Mapping[str, Row]) -> dict[str, bytes]:
    """The answers, a line each: identity's digest, request and responses, which hold no tab."""
    identities = sorted({row.identity for row in rows.values()})
    lines = sorted(
        b"%b\t%b\t%b\n" % (digest(row.identity).encode(), row.request, row.responses)
        for row in rows.values()
    )
    return {
        _IDENTITIES: b"".join(b"%b\n" % identity for identity in identities),
        _ANSWERS: b"".join(lines),
    }


def _read_rows(files: Mapping[str, bytes], path: Path) -> dict[bytes, list[Answer]]:
    identities = {digest(one): one for one in files[_IDENTITIES].split(b"\n") if one}
    rows: defaultdict[bytes, list[Answer]] = defaultdict(list)
    for number, line in enumerate(filter(None, files[_ANSWERS].split(b"\n")), start=1):
        of, *answer = line.split(b"\t")
        identity = identities.get(of.decode("ascii", "replace"))
        if identity is None or len(answer) != 2 or not _is_readable(answer[1]):
            raise DataError(
                f"expected an answer of a known model in line {number} of {_ANSWERS} of {path}; "
                f"it is damaged: copy it anew"
            )
        request, responses = answer
        rows[identity].append(Answer(address(identity, request), request, responses))
    return rows


def _is_readable(responses: bytes) -> bool:
    try:
        decode_responses(responses)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return False
    return True


def _trials(run: SavedRun) -> dict[str, bytes]:
    """What `judge-eval` found of the judges of the run, for its report."""
    judges = {one.judge for one in run.results}
    own = run.path.with_name(JUDGE_EVAL)
    beside = {file.parent.name: file for file in trials_beside(run.path.parent)}
    return {
        f"{name}/{JUDGE_EVAL}": file.read_bytes()
        for name, file in {**beside, "judge-eval-self": own}.items()
        if file.is_file() and any(map(read_trial(file).concerns, judges))
    }


def _json(content: Mapping[str, Any]) -> bytes:
    # In its own order, which is that of identities in the scores.
    return (json.dumps(content, indent=1) + "\n").encode()


@dataclass(frozen=True)
class _Noting:
    """Official files, remembered as they are read."""

    assets: Assets
    read_files: dict[str, bytes] = field(default_factory=dict)

    def read(self, name: str, /) -> bytes:
        content = self.assets.read(name)
        self.read_files[name] = content
        return content

    def has(self, name: str, /) -> bool:
        return self.assets.has(name)

    def names(self, prefix: str, /) -> list[str]:
        return self.assets.names(prefix)

    def packed(self) -> dict[str, bytes]:
        """Their content, by where it is in a bundle."""
        return {_ASSETS + name: content for name, content in self.read_files.items()}

    def hashes(self) -> dict[str, str]:
        """SHA-256 by name."""
        return {
            name: hashlib.sha256(content).hexdigest()
            for name, content in sorted(self.read_files.items())
        }
