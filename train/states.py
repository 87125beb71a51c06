"""States of a training: where a killed one goes on.

A state is a folder that transformers fills file by file. It counts from when it is sealed: a file
of its own then tells the digest of every other. So a state that was cut by a kill is passed over,
and so is one that a disk damaged, which would end in a traceback or, worse, in other weights.
"""

import json
from collections.abc import Callable
from hashlib import file_digest
from pathlib import Path
from shutil import rmtree

from accelerate import PartialState
from accelerate.utils import gather_object

from harness.files import write_whole

_SEAL = "seal.json"


def seal(states: Path, step: int) -> None:
    """Seals the state of a step, once every process has written its part; drops the ones before."""
    process = PartialState()
    process.wait_for_everyone()
    state = states / f"checkpoint-{step}"
    digests = _digests(state)
    if process.is_main_process:
        write_whole(state / _SEAL, json.dumps(digests).encode())
        for older in states.glob("checkpoint-*"):
            if _step(older) < step:
                rmtree(older, ignore_errors=True)


def newest(states: Path, say: Callable[[str], None]) -> str | None:
    """The last state that is as it was sealed; None if there is none, and all begins anew.

    Args:
        states: The folder of the states.
        say: Tells the user of each that was damaged since.
    """
    for state in sorted(states.glob("checkpoint-*"), key=_step, reverse=True):
        if not (state / _SEAL).is_file():
            continue  # killed while it was written
        damaged = _damaged(state)
        if not damaged:
            return str(state)
        if PartialState().is_main_process:
            say(
                f"the state in {state} is not used: {', '.join(damaged)} changed since it was "
                f"written; what it had done is done again"
            )
    return None


def _step(state: Path) -> int:
    return int(state.name.rpartition("-")[2])


def _damaged(state: Path) -> list[str]:
    """Names of the files that are no longer what the seal says."""
    try:
        sealed = dict(json.loads((state / _SEAL).read_bytes()))
    except (ValueError, TypeError):
        return [_SEAL]
    found = _digests(state)
    return sorted(name for name in sealed.keys() | found if sealed.get(name) != found.get(name))


def _digests(state: Path) -> dict[str, str]:
    """Digest by name of every file but the seal; the processes share the reading."""
    process = PartialState()
    files = sorted(file for file in state.rglob("*") if file.is_file() and file.name != _SEAL)
    mine = files[process.process_index :: process.num_processes]
    shared = gather_object([{str(file.relative_to(state)): _digest(file) for file in mine}])
    return {name: digest for part in shared for name, digest in part.items()}


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()
