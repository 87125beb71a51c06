"""The store: answers by content address, and a ledger of the calls that were paid for them."""

import json
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

from harness.errors import DataError
from harness.store import sqlite
from harness.store.encoding import (
    address,
    decode_responses,
    digest,
    encode_identity,
    encode_request,
    encode_responses,
)
from harness.types import Prompt, Response, Usage


@dataclass(frozen=True, slots=True)
class Spend:
    """What one run bought of one model."""

    run: str
    provider: str
    model: str
    answered: int
    """Calls that were answered."""
    refused: int
    """Calls whose request was refused; they cost nothing."""
    possibly_paid: int
    """Calls sent and never answered: in flight when a process died, failed, or in flight now."""
    prompt_tokens: int
    completion_tokens: int
    usd: float | None
    """For the answered calls; None when the price of any of them is unknown."""
    possibly_usd: float | None = 0.0
    """At most so much for the possibly paid ones; None when it is unknown for any of them."""


class Answer(NamedTuple):
    """An answer as it is stored."""

    address: str
    request: bytes
    responses: bytes


class Sale(NamedTuple):
    """A call that is about to be made."""

    address: str
    """Of the answer that is asked for."""
    most: float | None
    """USD that it can cost; None when its price is unknown."""
    most_batched: float | None
    """USD that it can cost as part of a batch."""


class Bill(NamedTuple):
    """How a call ended."""

    call: int
    """As numbered by `Store.open_calls`."""
    state: str
    """"answered" or "refused"."""
    usage: Usage
    usd: float | None


class Store:
    """One SQLite file that several processes and threads may use at once.

    What a method has written is on the disk when it returns. Close it, or use it as a context.

    Raises:
        DataError: From every method: the file is not a store, is of a newer version, cannot be
            read or written, or the disk is full. What was written before is kept.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._lock = threading.Lock()
        self._db = sqlite.connect(self.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Gives the file back; nothing is lost if it is not called."""
        self._db.close()

    def answers(self, addresses: Iterable[str]) -> dict[str, tuple[Response, ...]]:
        """What is stored, by address; addresses without an answer are left out."""
        with self._lock, sqlite.explained(self.path):
            rows = self._db.execute(
                "SELECT address, responses FROM answers"
                " WHERE address IN (SELECT value FROM json_each(?))",
                (json.dumps(list(addresses)),),
            ).fetchall()
        return {where: decode_responses(content) for where, content in rows}

    def put(
        self,
        identity: Mapping[str, str],
        answers: Mapping[Prompt, Sequence[Response]],
        *,
        source: str,
    ) -> None:
        """Stores answers that somebody else has paid for.

        They take the place of earlier imports, never of answers that were paid for here.

        Args:
            identity: Of the model that gave them (`Model.identity`).
            answers: Responses, one per turn, by what was asked.
            source: Where they come from: the answers are marked as imported from there.
        """
        model = encode_identity(identity)
        requests = {prompt: encode_request(prompt) for prompt in answers}
        rows = [
            Answer(address(model, requests[prompt]), requests[prompt], encode_responses(responses))
            for prompt, responses in answers.items()
        ]
        with self.writing():
            self._insert(model, rows, source)

    def take(self, identity: bytes, answers: Sequence[Answer], *, source: str) -> None:
        """Stores answers that another store held, as they stood there.

        Args:
            identity: Of the model that gave them, from `encode_identity`.
            answers: At their addresses.
            source: Where they come from: the answers are marked as imported from there.
        """
        with self.writing():
            self._insert(identity, answers, source)

    def spend(self, run: str | None = None) -> list[Spend]:
        """The ledger summed by run, provider and model; of all runs when none is named."""
        with self._lock, sqlite.explained(self.path):
            rows = self._db.execute(_SPEND, (run, run)).fetchall()
        return [Spend(*row) for row in rows]

    def open_calls(self, run: str, seller: tuple[str, str], sales: Sequence[Sale]) -> list[int]:
        """Writes down that these answers are about to be asked for.

        A call that an open batch has made already, in this process or an earlier one, is the same
        call still: it keeps its number and its run.

        Args:
            run: Whose bill it is.
            seller: Provider and model.
            sales: Each address once.

        Returns:
            A number for each call, in the order of the sales.
        """
        now = time.time()
        with self.writing() as db:
            made, pledged = _batched(db, [sale.address for sale in sales])
            fresh = [sale for sale in sales if sale.address not in made]
            last = db.execute("SELECT coalesce(max(id), 0) FROM calls").fetchone()[0]
            calls = made | {sale.address: last + i for i, sale in enumerate(fresh, start=1)}
            db.executemany(
                "INSERT INTO calls (id, run, provider, model, address, sent, state, most_usd)"
                " VALUES (?, ?, ?, ?, ?, ?, 'sent', ?)",
                (
                    (calls[at], run, *seller, at, now, batched if at in pledged else most)
                    for at, most, batched in fresh
                ),
            )
            db.executemany(
                "UPDATE batch_items SET call = ? WHERE address = ? AND batch = ?",
                ((calls[at], at, batch) for at, batch in pledged.items()),
            )
        return [calls[sale.address] for sale in sales]

    def owed(self, run: str) -> float:
        """USD that a run can have cost so far: each call at its price, or else at its most.

        Raises:
            DataError: Calls of the run may be paid, and nobody knows at what price.
        """
        with self.reading() as db:
            usd, unknown = db.execute(_OWED, (run,)).fetchone()
        if unknown:
            raise DataError(
                f"expected to know what each call of this run cost, but {unknown:.0f} in "
                f"{self.path} have no price; name another --store, or leave --budget out"
            )
        return float(usd)

    def close_calls(
        self, identity: bytes, answers: Sequence[Answer], bills: Sequence[Bill]
    ) -> dict[str, tuple[Response, ...]]:
        """Writes down what has come back, and what it cost.

        Args:
            identity: Of the model that answered, from `encode_identity`.
            answers: What is to be stored, each address once.
            bills: How the calls ended.

        Returns:
            What is stored at these addresses, when for one of them another answer was there
            first; otherwise nothing.
        """
        now = time.time()
        with self.writing() as db:
            db.executemany(
                "UPDATE calls SET state = ?, prompt_tokens = ?, completion_tokens = ?,"
                " cached_tokens = ?, usd = ?, answered = ? WHERE id = ?",
                ((bill.state, *bill.usage[:3], bill.usd, now, bill.call) for bill in bills),
            )
            all_new = self._insert(identity, answers, source=None)
        return {} if all_new else self.answers(answer.address for answer in answers)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that is on the disk when the block is left, or never was."""
        with self._lock, sqlite.explained(self.path), sqlite.writing(self._db):
            yield self._db

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The database, for nobody else in this process while the block lasts."""
        with self._lock, sqlite.explained(self.path):
            yield self._db

    def _insert(self, identity: bytes, answers: Sequence[Answer], source: str | None) -> bool:
        model, now = digest(identity), time.time()
        self._db.execute(
            "INSERT INTO identities VALUES (?, ?) ON CONFLICT DO NOTHING", (model, identity)
        )
        inserted = self._db.executemany(
            _INSERT if source is None else _IMPORT,
            ((at, model, request, responses, source, now) for at, request, responses in answers),
        )
        return inserted.rowcount == len(answers)


def _batched(
    db: sqlite3.Connection, addresses: Sequence[str]
) -> tuple[dict[str, int], dict[str, str]]:
    """Open calls by address, and batches by the address that they have no call for yet."""
    made, pledged = {}, {}
    for at, batch, call in db.execute(OPEN_ITEMS, (json.dumps(addresses),)):
        if call is None:
            pledged[at] = batch
        else:
            made[at] = call
    return made, pledged


OPEN_ITEMS = """
    SELECT items.address, items.batch, items.call
    FROM batch_items AS items LEFT JOIN calls ON calls.id = items.call
    WHERE items.address IN (SELECT value FROM json_each(?))
        AND (items.call IS NULL OR calls.state = 'sent')
"""
"""Answers of batches that are still to come, of those at the addresses in a JSON list."""

_INSERT = """
    INSERT INTO answers (address, identity, request, responses, imported_from, stored)
    VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (address) DO NOTHING
"""
_IMPORT = """
    INSERT INTO answers (address, identity, request, responses, imported_from, stored)
    VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (address) DO UPDATE
    SET responses = excluded.responses, imported_from = excluded.imported_from,
        stored = excluded.stored
    WHERE imported_from IS NOT NULL AND responses IS NOT excluded.responses
"""

_OWED = """
    SELECT total(coalesce(usd, most_usd)), total(coalesce(usd, most_usd) IS NULL)
    FROM calls WHERE run = ?
"""

_SPEND = """
    SELECT run, provider, model,
        sum(state = 'answered'), sum(state = 'refused'), sum(state = 'sent'),
        sum(prompt_tokens), sum(completion_tokens),
        CASE WHEN sum(state = 'answered' AND usd IS NULL) THEN NULL ELSE total(usd) END,
        CASE WHEN sum(state = 'sent' AND most_usd IS NULL) THEN NULL
            ELSE total(CASE WHEN state = 'sent' THEN most_usd END) END
    FROM calls WHERE ? IS NULL OR run = ?
    GROUP BY run, provider, model ORDER BY min(id)
"""
