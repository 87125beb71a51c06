"""The slips of batches in a store."""

import json
import os
import secrets
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from harness.batching import Slip
from harness.errors import DataError
from harness.price_list import seller
from harness.store.database import OPEN_ITEMS, Store
from harness.store.encoding import address, encode_identity, encode_request
from harness.types import Prompt

_SENDING = 3600.0
"""Seconds after which no batch can still be on its way to the provider."""
_SHORT = 40
"""So much of an address tells the items of a batch apart; providers take 64 characters in all."""


@dataclass(frozen=True, slots=True)
class Batches:
    """The batches of one model. An item is open while its call in the ledger is."""

    store: Store
    name: str
    """What the user calls the model."""
    identity: Mapping[str, str]
    """The model's."""

    def held(self, prompts: Sequence[Prompt]) -> set[Prompt]:
        """Those of the prompts whose call an open batch has in the ledger already."""
        addresses = self._addresses(prompts)
        with self.store.reading() as db:
            rows = db.execute(OPEN_ITEMS, (json.dumps(list(addresses)),)).fetchall()
        return {addresses[at] for at, _, call in rows if call is not None}

    def open(self, prompts: Sequence[Prompt]) -> list[Slip]:
        """The slips of batches that owe an answer to any of the prompts, oldest first.

        Raises:
            DataError: A process that is alive is sending one of them just now.
        """
        slips = self._slips(prompts)
        for slip in slips:
            sender = self._sender(slip)
            if sender is not None:
                raise DataError(
                    f"expected to ask {len(slip.items)} prompts of {self.name} by batch, but "
                    f"process {sender} is sending them just now; wait for it, or end it, and "
                    f"run again"
                )
        return slips

    def intend(self, prompts: Sequence[Prompt]) -> Slip:
        """A new slip, durable before anything is sent."""
        key, now = secrets.token_hex(8), time.time()
        addresses = self._addresses(prompts)
        with self.store.writing() as db:
            db.execute(
                "INSERT INTO batches (key, provider, model, intended, sender)"
                " VALUES (?, ?, ?, ?, ?)",
                (key, *seller(self.name), now, os.getpid()),
            )
            db.executemany(
                "INSERT INTO batch_items (address, batch) VALUES (?, ?)",
                ((at, key) for at in addresses),
            )
        items = {_word(key, at): prompt for at, prompt in addresses.items()}
        return Slip(key, items, len(items), now)

    def sent(self, slip: Slip, batch: str) -> Slip:
        """The slip with the provider's word for it, durable."""
        with self.store.writing() as db:
            db.execute("UPDATE batches SET id = ? WHERE key = ?", (batch, slip.key))
        return replace(slip, id=batch)

    def void(self, slip: Slip) -> None:
        """Writes down that the provider never made the batch: nothing is owed for it."""
        with self.store.writing() as db:
            db.execute(_CLOSE_ALL, (time.time(), slip.key))
            db.execute("DELETE FROM batches WHERE key = ?", (slip.key,))

    def release(self, slip: Slip, prompts: Sequence[Prompt], *, paid: bool) -> None:
        """Writes down that the batch will not answer these prompts.

        A call that may be paid stays so in the ledger; the other ones are closed at no cost.
        """
        asked = json.dumps(list(self._addresses(prompts)))
        with self.store.writing() as db:
            if not paid:
                db.execute(_CLOSE, (time.time(), slip.key, asked))
            db.execute(_REMOVE, (slip.key, asked))

    def _slips(self, prompts: Sequence[Prompt]) -> list[Slip]:
        addresses = self._addresses(prompts)
        open_items: defaultdict[str, dict[str, Prompt]] = defaultdict(dict)
        with self.store.reading() as db:
            for at, key, _ in db.execute(OPEN_ITEMS, (json.dumps(list(addresses)),)):
                open_items[key][_word(key, at)] = addresses[at]
            rows = db.execute(_BATCHES, (json.dumps(list(open_items)),)).fetchall()
        return [Slip(key, open_items[key], size, when, id_) for key, size, when, id_ in rows]

    def _sender(self, slip: Slip) -> int | None:
        """The process that is sending the slip, if there is one beside this."""
        if slip.id is not None or time.time() - slip.intended > _SENDING:
            return None
        with self.store.reading() as db:
            (sender,) = db.execute(
                "SELECT sender FROM batches WHERE key = ?", (slip.key,)
            ).fetchone()
        return int(sender) if sender != os.getpid() and _is_alive(sender) else None

    def _addresses(self, prompts: Sequence[Prompt]) -> dict[str, Prompt]:
        identity = encode_identity(self.identity)
        return {address(identity, encode_request(prompt)): prompt for prompt in prompts}


def _word(key: str, at: str) -> str:
    return f"{key}-{at[:_SHORT]}"


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # alive, and somebody else's
        return True
    return True


_CLOSE_ALL = """
    UPDATE calls SET state = 'refused', usd = 0, answered = ?
    WHERE state = 'sent' AND id IN (SELECT call FROM batch_items WHERE batch = ?)
"""
_CLOSE = """
    UPDATE calls SET state = 'refused', usd = 0, answered = ?
    WHERE state = 'sent' AND id IN (
        SELECT call FROM batch_items
        WHERE batch = ? AND address IN (SELECT value FROM json_each(?))
    )
"""
_REMOVE = """
    DELETE FROM batch_items WHERE batch = ? AND address IN (SELECT value FROM json_each(?))
"""
_BATCHES = """
    SELECT key, (SELECT count(*) FROM batch_items WHERE batch = key), intended, id
    FROM batches WHERE key IN (SELECT value FROM json_each(?)) ORDER BY intended
"""
