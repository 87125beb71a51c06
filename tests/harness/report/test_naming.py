"""Names that fit where they must stand, and stay apart."""

from hypothesis import given
from hypothesis import strategies as st

from harness.report.naming import file_names, short, short_names


def test_what_a_path_cannot_hold_is_replaced() -> None:
    assert file_names(["../a/b", "c:d", "", "..", "ok-1.2_b"]) == [
        "a-b",
        "c-d",
        "checkpoint",
        "checkpoint-2",
        "ok-1.2_b",
    ]


def test_names_that_differ_in_case_alone_are_two_files() -> None:
    assert file_names(["Base", "base", "BASE"]) == ["Base", "base-2", "BASE-3"]


def test_the_middle_of_a_long_name_is_left_out() -> None:
    assert short("abcdefghij", 6) == "abc…ij"
    assert short("abcdef", 6) == "abcdef"


@given(st.lists(st.text(), max_size=8))
def test_names_stay_as_many_and_apart(names: list[str]) -> None:
    for made in (file_names(names), short_names(names, 6)):
        assert len(made) == len({*made}) == len(names)
    assert all("/" not in name and 0 < len(name) < 90 for name in file_names(names))
