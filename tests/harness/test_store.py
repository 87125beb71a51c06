import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.errors import DataError
from harness.store import Spend, Store, sqlite
from harness.store.database import Answer, Bill, Sale
from harness.store.encoding import (
    _decoding,
    address,
    decode_responses,
    encode_identity,
    encode_request,
    encode_responses,
)
from harness.types import Decoding, Prompt, Response, Token, Usage

IDENTITY = {"weights": "7a1c", "template": "09fe"}
PROMPT = Prompt("p/0", ("What is 2 + 2?",), Decoding(max_tokens=16))
FOUR = (Response("4", usage=Usage(7, 1)),)
ROOT = Path(__file__).parents[2]

any_text = st.text(st.characters(exclude_categories=()), max_size=8)
any_float = st.floats(allow_nan=False)
any_tokens = st.builds(
    Token, any_text, any_float, st.lists(st.tuples(any_text, any_float), max_size=3).map(tuple)
)
any_response = st.builds(
    Response,
    any_text,
    any_text,
    st.lists(any_tokens, max_size=3).map(tuple),
    st.builds(Usage, st.integers(0), st.integers(0), st.integers(0), st.booleans()),
    any_text,
)


def at(prompt: Prompt, identity: Mapping[str, str] = IDENTITY) -> str:
    return address(encode_identity(identity), encode_request(prompt))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with Store(path) as store:
        yield store


def calls(store: Store, number: int, run: str = "r", model: str = "m") -> list[int]:
    sales = [Sale(f"{i}", 0.5, 0.25) for i in range(number)]
    return store.open_calls(run, ("openai", model), sales)


# Exactness


@given(st.lists(any_response, max_size=2).map(tuple))
@example((Response("\ud83d\ude00 \x00 \ud800", tokens=(Token("a", float("-inf"), ()),)),))
@example((Response("", tokens=(Token("a", -0.0, (("b", -1e-323),)),)),))
def test_answers_come_back_bit_for_bit(responses: tuple[Response, ...]) -> None:
    assert repr(decode_responses(encode_responses(responses))) == repr(responses)


def test_the_file_keeps_what_the_encoding_keeps(store: Store) -> None:
    odd = (Response("\ud83d\ude00 \x00 \ud800 é", tokens=(Token("a", float("-inf"), ()),)),)
    store.put(IDENTITY, {PROMPT: odd}, source="test")
    assert repr(store.answers([at(PROMPT)])) == repr({at(PROMPT): odd})


@pytest.mark.parametrize(
    "change",
    [
        {"max_tokens": 17},
        {"temperature": 0.5},
        {"top_p": 0.5},
        {"stop": ("\n",)},
        {"top_logprobs": 5},
        {"sample": 1},
    ],
    ids=str,
)
def test_every_part_of_the_decoding_is_part_of_the_address(change: dict[str, Any]) -> None:
    assert at(replace(PROMPT, decoding=replace(PROMPT.decoding, **change))) != at(PROMPT)


def test_turns_and_system_and_identity_are_part_of_the_address() -> None:
    others = {
        at(replace(PROMPT, turns=("What is 2", " + 2?"))),
        at(replace(PROMPT, system="")),
        at(PROMPT, {**IDENTITY, "template": "other"}),
    }
    assert len(others | {at(PROMPT)}) == 4


def test_the_prompt_id_is_not_part_of_the_address() -> None:
    assert at(replace(PROMPT, id="other/1")) == at(PROMPT)


def test_neither_the_order_of_an_identity_nor_its_class_matters() -> None:
    assert at(PROMPT, MappingProxyType(dict(reversed(IDENTITY.items())))) == at(PROMPT)


def test_a_whole_number_and_the_same_float_are_one_temperature() -> None:
    whole = encode_request(replace(PROMPT, decoding=Decoding(16, temperature=1, top_p=1)))
    _decoding.cache_clear()  # as in another process, which never saw the whole number
    assert encode_request(replace(PROMPT, decoding=Decoding(16, 1.0, 1.0))) == whole


def test_the_address_of_today_is_the_address_of_tomorrow() -> None:
    # A change here orphans every answer that users have paid for: it needs a migration.
    assert at(PROMPT) == "a2a1157bd9518d72eb652decc3a7691e3ace4a2672890349ea43453bd2aad6dd"


def test_choices_and_raw_texts_are_part_of_the_address_where_they_are_set() -> None:
    assert b"choices" not in encode_request(PROMPT)
    assert b"raw" not in encode_request(PROMPT)
    asked = [PROMPT, replace(PROMPT, choices=("a",)), replace(PROMPT, choices=("a", "b"))]
    assert len({at(one) for one in (*asked, replace(PROMPT, raw=True))}) == 4


def test_what_was_cut_off_is_stored_where_something_was() -> None:
    cut = Response("4", cut=7)
    assert decode_responses(encode_responses([cut])) == (cut,)
    assert b"cut" not in encode_responses(FOUR)


# Answers


def test_what_is_not_stored_is_left_out(store: Store) -> None:
    store.put(IDENTITY, {PROMPT: FOUR}, source="test")
    assert store.answers(["0" * 64, at(PROMPT)]) == {at(PROMPT): FOUR}


def test_ten_thousand_answers_are_read_at_once(store: Store) -> None:
    store.put(IDENTITY, {PROMPT: FOUR}, source="test")
    assert len(store.answers([f"{i:064x}" for i in range(10_000)] + [at(PROMPT)])) == 1


def test_an_import_takes_the_place_of_an_earlier_import(store: Store) -> None:
    store.put(IDENTITY, {PROMPT: (Response("5"),)}, source="damaged")
    store.put(IDENTITY, {PROMPT: FOUR}, source="mended")
    assert store.answers([at(PROMPT)]) == {at(PROMPT): FOUR}


def test_an_import_never_takes_the_place_of_an_answer_that_was_paid_for(store: Store) -> None:
    model, request = encode_identity(IDENTITY), encode_request(PROMPT)
    store.close_calls(model, [Answer(at(PROMPT), request, encode_responses(FOUR))], [])
    store.put(IDENTITY, {PROMPT: (Response("5"),)}, source="elsewhere")
    assert store.answers([at(PROMPT)]) == {at(PROMPT): FOUR}


def test_an_imported_answer_is_marked_and_costs_nothing(store: Store, path: Path) -> None:
    store.put(IDENTITY, {PROMPT: FOUR}, source="judgments.json")
    with closing(sqlite3.connect(path)) as db:
        sources = db.execute("SELECT imported_from FROM answers").fetchall()
    assert (sources, store.spend()) == ([("judgments.json",)], [])


def test_an_address_can_be_computed_again_from_what_is_stored(store: Store, path: Path) -> None:
    store.put(IDENTITY, {PROMPT: FOUR}, source="test")
    with closing(sqlite3.connect(path)) as db:
        row = db.execute(
            "SELECT identities.identity, request FROM answers"
            " JOIN identities ON answers.identity = identities.digest"
        ).fetchone()
    assert address(*row) == at(PROMPT)


def test_another_opening_of_the_file_finds_everything(path: Path) -> None:
    with Store(path) as store:
        store.put(IDENTITY, {PROMPT: FOUR}, source="test")
    with Store(str(path)) as again:
        assert again.answers([at(PROMPT)]) == {at(PROMPT): FOUR}


def test_folders_on_the_way_are_made(tmp_path: Path) -> None:
    with Store(tmp_path / "results" / "new" / "store.sqlite") as store:
        assert store.path.is_file()


# The ledger


def test_the_ledger_is_summed_by_run_provider_and_model(store: Store) -> None:
    calls(store, 2, run="a", model="m")
    calls(store, 1, run="a", model="n")
    calls(store, 1, run="b", model="m")
    assert [(line.run, line.model, line.possibly_paid) for line in store.spend()] == [
        ("a", "m", 2),
        ("a", "n", 1),
        ("b", "m", 1),
    ]


def test_one_run_can_be_looked_at_alone(store: Store) -> None:
    calls(store, 1, run="a")
    calls(store, 1, run="b")
    assert [line.run for line in store.spend("b")] == ["b"]
    assert store.spend("c") == []


def test_each_call_ends_in_one_column_of_the_bill(store: Store) -> None:
    first, second, _ = calls(store, 3)
    bills = [
        Bill(first, "answered", Usage(10, 2), 0.5),
        Bill(second, "refused", Usage(), 0.0),
    ]
    store.close_calls(b"{}", [], bills)
    assert store.spend() == [Spend("r", "openai", "m", 1, 1, 1, 10, 2, 0.5, 0.5)]


def test_a_bill_with_an_unknown_price_has_an_unknown_sum(store: Store) -> None:
    first, second = calls(store, 2)
    bills = [Bill(first, "answered", Usage(1, 1), 0.5), Bill(second, "answered", Usage(1, 1), None)]
    store.close_calls(b"{}", [], bills)
    assert store.spend()[0].usd is None


def test_calls_are_numbered_on_when_the_file_is_opened_again(path: Path) -> None:
    with Store(path) as store:
        assert calls(store, 2) == [1, 2]
    with Store(path) as store:
        assert calls(store, 1) == [3]


# Durability, and several at once


def test_every_commit_waits_for_the_disk(store: Store) -> None:
    settings = [
        store._db.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous")
    ]
    assert settings == ["wal", 2]


def test_threads_may_write_at_once(store: Store) -> None:
    with ThreadPoolExecutor(8) as threads:
        numbers = [n for some in threads.map(lambda _: calls(store, 5), range(40)) for n in some]
    assert sorted(numbers) == list(range(1, 201))


def test_four_processes_lose_nothing_and_store_nothing_twice(path: Path) -> None:
    command = [sys.executable, "-m", "tests.harness.store_child", "hammer", str(path)]
    workers = [subprocess.Popen([*command, f"{i}"], cwd=ROOT) for i in range(4)]
    assert [worker.wait() for worker in workers] == [0, 0, 0, 0]
    with Store(path) as store, closing(sqlite3.connect(path)) as db:
        bought = {line.run: line.answered for line in store.spend()}
        (stored,) = db.execute("SELECT count(*) FROM answers").fetchone()
    # Each asks its own 50 and the 50 that all ask, in batches of 10.
    assert stored == 4 * 50 + 50
    assert set(bought) == {"0", "1", "2", "3"}
    assert sum(bought.values()) >= stored


# Failures in one clear line


@pytest.fixture
def shared_folder() -> Iterator[Path]:
    """A folder that every user of this machine can reach, unlike `tmp_path`."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Nobody can write what is in the folder; not even root, who is somebody else meanwhile."""
    for path in folder.iterdir():
        path.chmod(0o444)
    folder.chmod(0o555)
    user = os.geteuid()
    os.seteuid(user or 65534)
    try:
        yield
    finally:
        os.seteuid(user)
        folder.chmod(0o755)


def expect(path: Path, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        Store(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_full_disk_is_told_and_what_was_stored_is_kept(store: Store) -> None:
    store.put(IDENTITY, {PROMPT: FOUR}, source="test")
    store._db.execute("PRAGMA max_page_count = 1")
    big = replace(PROMPT, turns=("long" * 10_000,))
    with pytest.raises(DataError, match=r"disk.*refused .*full.*make room"):
        store.put(IDENTITY, {big: FOUR}, source="test")
    assert store.answers([at(PROMPT), at(big)]) == {at(PROMPT): FOUR}


def test_after_a_full_disk_the_store_goes_on(store: Store) -> None:
    store._db.execute("PRAGMA max_page_count = 1")
    big = replace(PROMPT, turns=("long" * 10_000,))
    with pytest.raises(DataError):
        store.put(IDENTITY, {big: FOUR}, source="test")
    store._db.execute("PRAGMA max_page_count = 1000000")
    store.put(IDENTITY, {big: FOUR}, source="test")
    assert at(big) in store.answers([at(big)])


def test_a_file_that_may_not_grow_is_told(store: Store) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    try:
        with pytest.raises(DataError, match="make room"):
            store.put(IDENTITY, {PROMPT: (Response("long" * 100_000),)}, source="test")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_folder_that_cannot_be_written_is_told(shared_folder: Path) -> None:
    with read_only(shared_folder):
        expect(shared_folder / "store.sqlite", "check the permissions")


def test_a_folder_that_cannot_be_made_is_told(path: Path) -> None:
    path.touch()
    expect(path / "store.sqlite", "check the permissions")


def test_a_store_that_cannot_be_written_is_told(shared_folder: Path) -> None:
    path = shared_folder / "store.sqlite"
    Store(path).close()
    with read_only(shared_folder):
        expect(path, "check the permissions")


def test_a_file_that_is_no_database_is_told_and_left_alone(path: Path) -> None:
    path.write_text("id,preference\n" * 100)
    expect(path, "content is something else")
    assert path.read_text() == "id,preference\n" * 100


def test_a_damaged_store_is_told(store: Store, path: Path) -> None:
    store.put(IDENTITY, {PROMPT: (Response("long" * 10_000),)}, source="test")
    store.close()
    path.write_bytes(path.read_bytes()[:4096] + b"\xff" * 50_000)
    expect(path, "put a copy")


def test_the_database_of_another_program_is_left_alone(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE theirs (a)")
    before = path.read_bytes()
    expect(path, "another program's database")
    assert path.read_bytes() == before


def test_a_store_of_a_newer_version_is_left_alone(path: Path) -> None:
    Store(path).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 7")
    expect(path, "of version 7; upgrade iterbench")


def test_a_process_that_keeps_the_file_for_itself_is_told(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "PATIENCE", 0.05)
    with Store(path) as store, closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DataError, match="another process kept it"):
            store.put(IDENTITY, {PROMPT: FOUR}, source="test")
        other.execute("COMMIT")
        store.put(IDENTITY, {PROMPT: FOUR}, source="test")


def test_a_file_that_is_locked_while_it_is_opened_is_told(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "PATIENCE", 0.05)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        expect(path, "another process kept it")


def test_a_mistake_of_ours_is_not_explained_away(path: Path) -> None:
    store = Store(path)
    store.close()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        store.spend()


def test_a_store_of_an_older_version_is_brought_up_to_date(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store(path) as store:
        store.put(IDENTITY, {PROMPT: FOUR}, source="test")
    further = (*sqlite.MIGRATIONS, ("ALTER TABLE calls ADD COLUMN batch TEXT",))
    monkeypatch.setattr(sqlite, "MIGRATIONS", further)
    with Store(path) as store:
        assert store._db.execute("PRAGMA user_version").fetchone() == (len(further),)
        assert store.answers([at(PROMPT)]) == {at(PROMPT): FOUR}


def test_a_ledger_of_the_first_version_is_read_on(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr(sqlite, "MIGRATIONS", sqlite.MIGRATIONS[:1])
        Store(path).close()
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("INSERT INTO calls VALUES (1, 'r', 'p', 'm', 'a', 0, 1, 'answered', 7, 3, 0.5)")
        db.execute("INSERT INTO calls VALUES (2, 'r', 'p', 'm', 'b', 0, 1, 'sent', 0, 0, NULL)")
    with Store(path) as store:
        assert store.spend() == [Spend("r", "p", "m", 1, 0, 1, 7, 3, 0.5, None)]
        with pytest.raises(DataError, match=r"but 1 in .* have no price"):
            store.owed("r")


def test_answers_of_the_first_version_are_read_on() -> None:
    row = b'[{"finish_reason":"stop","served_by":"s","text":"hi","tokens":[],"usage":[7,3]}]'
    assert decode_responses(row) == (Response("hi", usage=Usage(7, 3), served_by="s"),)


def test_two_that_create_the_file_at_once_agree(tmp_path: Path) -> None:
    for attempt in range(20):
        path = tmp_path / f"{attempt}.sqlite"
        with ThreadPoolExecutor(2) as threads:
            stores = list(threads.map(Store, [path, path]))
        for store in stores:
            store.close()
