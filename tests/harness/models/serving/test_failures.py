"""What a status means, and how long a header asks to wait."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from harness.models.serving.failures import (
    DeniedError,
    FailedError,
    RefusedError,
    failure,
    one_line,
    seconds,
    showable,
)


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_request_that_is_wrong_in_itself_is_refused(status: int) -> None:
    assert isinstance(failure(status, "too long", None, "check"), RefusedError)


@pytest.mark.parametrize("status", [301, 401, 402, 403, 404, 405])
def test_what_would_meet_every_request_is_denied(status: int) -> None:
    assert isinstance(failure(status, "no", None, "check"), DeniedError)


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504, 529])
def test_what_may_pass_is_a_failure(status: int) -> None:
    assert isinstance(failure(status, "later", None, "check"), FailedError)


@pytest.mark.parametrize(("status", "fewer"), [(429, True), (503, True), (529, True), (500, False)])
def test_overload_is_told_from_other_trouble(status: int, fewer: bool) -> None:
    error = failure(status, "later", None, "check")
    assert isinstance(error, FailedError)
    assert error.overloaded is fewer


def test_a_failure_says_how_long_to_wait() -> None:
    error = failure(429, "later", "7", "check")
    assert isinstance(error, FailedError)
    assert error.retry_after == 7.0


def test_a_denial_says_what_to_do() -> None:
    assert str(failure(401, "bad\nkey", None, "check it")) == "HTTP 401: bad key; check it"


@pytest.mark.parametrize(("status", "phrase"), [(502, "Bad Gateway"), (599, "no reason given")])
def test_a_silent_server_gets_the_name_of_its_status(status: int, phrase: str) -> None:
    assert str(failure(status, "", None, "")) == f"HTTP {status}: {phrase}"


@pytest.mark.parametrize(
    ("header", "wait"), [(None, 0.0), ("2", 2.0), ("0.5", 0.5), ("-3", 0.0), ("soon", 0.0)]
)
def test_seconds_are_read(header: str | None, wait: float) -> None:
    assert seconds(header) == wait


@pytest.mark.parametrize("header", ["nan", "inf"])
def test_a_wait_that_is_no_length_of_time_is_none(header: str) -> None:
    assert seconds(header) == 0.0


def test_a_date_is_a_wait_until_then() -> None:
    then = datetime.now(UTC) + timedelta(seconds=30)
    assert 28 < seconds(format_datetime(then, usegmt=True)) <= 30


def test_a_date_in_the_past_is_no_wait() -> None:
    assert seconds("Wed, 21 Oct 2015 07:28:00 GMT") == 0.0


def test_a_date_without_a_zone_is_taken_as_utc() -> None:
    then = datetime.now(UTC) + timedelta(seconds=30)
    assert 28 < seconds(then.strftime("%a, %d %b %Y %H:%M:%S")) <= 30


def test_one_line_is_one_line_and_short() -> None:
    assert one_line("a\n\n b" + "c" * 999, limit=5) == "a bcc"


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[31mteapot", r"\x1b[31mteapot"),
        ("a\x00b\x07c\x7fd\x9b", r"a\x00b\x07c\x7fd\x9b"),
        ("user\u202etxt.exe\u2066", r"user\u202etxt.exe\u2066"),
        ("half\ud83d", r"half\ud83d"),
        ("Grüße, 中文, \U0001f469\u200d\U0001f680", "Grüße, 中文, \U0001f469\u200d\U0001f680"),
    ],
)
def test_what_could_command_a_terminal_is_spelled_out(raw: str, shown: str) -> None:
    assert one_line(raw) == shown


def test_line_feeds_and_tabs_may_be_shown() -> None:
    assert showable("a\tb\r\nc") == "a\tb\\r\nc"


def test_a_reason_that_could_command_a_terminal_is_spelled_out() -> None:
    assert str(failure(400, "\x1b[31mteapot", None, "")) == r"HTTP 400: \x1b[31mteapot"
