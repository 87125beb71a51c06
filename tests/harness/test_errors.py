"""The error tree: what a caller catches, and what a message says."""

import pytest

from harness.errors import (
    AlignmentError,
    DataError,
    HarnessError,
    ModelError,
    SpecError,
    UnknownNameError,
)


@pytest.mark.parametrize("kind", [SpecError, DataError, AlignmentError, ModelError])
def test_one_clause_catches_every_error_raised_on_purpose(kind: type[HarnessError]) -> None:
    with pytest.raises(HarnessError, match="the message alone"):
        raise kind("the message alone")


def test_a_misspelt_name_gets_the_nearest_one() -> None:
    error = UnknownNameError("judge", "pairmr", ["llm", "pairrm"])
    assert str(error) == "no judge is called 'pairmr'; did you mean 'pairrm'?"


def test_a_name_that_is_near_to_none_gets_them_all() -> None:
    error = UnknownNameError("judge", "xyz", iter(["pairrm", "llm"]))
    assert str(error) == "no judge is called 'xyz'; known: llm, pairrm"


def test_an_unknown_name_is_an_error_of_ours() -> None:
    assert isinstance(UnknownNameError("judge", "x", []), HarnessError)
