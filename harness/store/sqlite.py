"""Opening the store's file: its tables, its durability, and its failures in one clear line."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

from harness.errors import DataError

PATIENCE = 60.0
"""Seconds to wait for another process that is writing."""

APPLICATION = int.from_bytes(b"iter")
"""Marks the file as ours in SQLite's own header."""

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE identities (
            digest TEXT PRIMARY KEY,    -- SHA-256 of the next column
            identity BLOB NOT NULL      -- canonical JSON: whatever decides the model's answers
        )""",
        """CREATE TABLE answers (
            address TEXT PRIMARY KEY,   -- SHA-256 of the identity and the request
            identity TEXT NOT NULL REFERENCES identities (digest),
            request BLOB NOT NULL,      -- canonical JSON
            responses BLOB NOT NULL,    -- canonical JSON, one entry per turn
            imported_from TEXT,         -- NULL when a model of ours was asked
            stored REAL NOT NULL        -- seconds since 1970, UTC, as all times here
        )""",
        """CREATE TABLE calls (
            id INTEGER PRIMARY KEY,
            run TEXT NOT NULL,
            provider TEXT NOT NULL,
            model TEXT NOT NULL,
            address TEXT NOT NULL,      -- of the answer that is paid for
            sent REAL NOT NULL,
            answered REAL,
            state TEXT NOT NULL CHECK (state IN ('sent', 'answered', 'refused')),
            prompt_tokens INTEGER NOT NULL DEFAULT 0,
            completion_tokens INTEGER NOT NULL DEFAULT 0,
            usd REAL                    -- NULL when unknown
        )""",
    ),
    (
        "ALTER TABLE calls ADD COLUMN cached_tokens INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE calls ADD COLUMN most_usd REAL",  # the call can cost so much; NULL: unknown
        """CREATE TABLE batches (
            key TEXT PRIMARY KEY,       -- our own word, which the provider is told
            provider TEXT NOT NULL,
            model TEXT NOT NULL,
            intended REAL NOT NULL,     -- before anything was sent
            sender INTEGER NOT NULL,    -- the process that sends it
            id TEXT                     -- the provider's word; NULL until it is known
        )""",
        """CREATE TABLE batch_items (
            address TEXT NOT NULL,      -- of the answer that is paid for
            batch TEXT NOT NULL REFERENCES batches (key) ON DELETE CASCADE,
            call INTEGER,               -- NULL until the call is in the ledger
            PRIMARY KEY (address, batch)
        )""",
    ),
)
"""What brings a file of version n (PRAGMA user_version) to version n + 1."""


def connect(path: Path) -> sqlite3.Connection:
    """An open store, created or brought up to date when needed; for use from any thread.

    Raises:
        DataError: The file is not a store, is of a newer version, or cannot be written.
    """
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
        try:
            _prepare(db, path)
        except BaseException:
            db.close()
            raise
    return db


@contextmanager
def writing(db: sqlite3.Connection) -> Iterator[None]:
    """A transaction that is on the disk when the block is left, or never was."""
    with db:  # commits, or rolls back what was begun
        # A writer that began by reading could be refused half-way, without being let wait.
        db.execute("BEGIN IMMEDIATE")
        yield


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turns SQLite's and the system's complaints about a store into DataError."""
    try:
        yield
    except sqlite3.Error as error:
        explain = _EXPLANATIONS.get(_primary_code(error))
        if explain is None:
            raise
        raise DataError(explain(path, error)) from error
    except OSError as error:
        raise DataError(_not_writable(path, error)) from error


def _prepare(db: sqlite3.Connection, path: Path) -> None:
    _version(db, path)  # before anything is written: the file may be somebody else's
    _use_write_ahead_log(db)
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA foreign_keys = ON")
    db.execute("PRAGMA fullfsync = ON")  # macOS alone needs to be told to empty the drive's cache
    if _version(db, path) < len(MIGRATIONS):
        _migrate(db, path)


def _version(db: sqlite3.Connection, path: Path) -> int:
    application, version, tables = db.execute(
        "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema)"
        " FROM pragma_application_id, pragma_user_version"
    ).fetchone()
    if tables and application != APPLICATION:
        raise DataError(
            f"expected a store in {path}, but it is another program's database; name another file"
        )
    if version > len(MIGRATIONS):
        raise DataError(
            f"expected a store of version {len(MIGRATIONS)} or older in {path}, but it is of "
            f"version {version}; upgrade iterbench, or name another file"
        )
    return int(version)


def _use_write_ahead_log(db: sqlite3.Connection) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            # Two who create the file at once: for this statement SQLite does not wait by itself.
            if _primary_code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _migrate(db: sqlite3.Connection, path: Path) -> None:
    with writing(db):
        # Read again: another process may have migrated it while this one waited.
        for statement in chain.from_iterable(MIGRATIONS[_version(db, path) :]):
            db.execute(statement)
        db.execute(f"PRAGMA application_id = {APPLICATION}")
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")


def _primary_code(error: sqlite3.Error) -> int:
    # Errors of Python's own module, such as a closed connection, carry no code.
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _no_room(path: Path, error: Exception) -> str:
    return (
        f"expected the disk to take what is written to the store {path}, but it refused ({error}); "
        "make room and run again: all that was stored is kept"
    )


def _not_writable(path: Path, error: Exception) -> str:
    return (
        f"expected to be able to write the store {path}, but it was refused ({error}); "
        "check the permissions of the file and of its folder, or name another file"
    )


def _not_a_store(path: Path, error: Exception) -> str:
    return (
        f"expected a store in {path}, but its content is something else ({error}); "
        "name another file, or put a copy of the store in its place"
    )


def _busy(path: Path, error: Exception) -> str:
    return (
        f"expected to write to the store {path} within {PATIENCE:g} s, but another process kept it "
        f"({error}); wait for that process or end it, then run again"
    )


_EXPLANATIONS: dict[int, Callable[[Path, Exception], str]] = {
    sqlite3.SQLITE_FULL: _no_room,
    sqlite3.SQLITE_IOERR: _no_room,
    sqlite3.SQLITE_READONLY: _not_writable,
    sqlite3.SQLITE_CANTOPEN: _not_writable,
    sqlite3.SQLITE_PERM: _not_writable,
    sqlite3.SQLITE_NOTADB: _not_a_store,
    sqlite3.SQLITE_CORRUPT: _not_a_store,
    sqlite3.SQLITE_BUSY: _busy,
}
