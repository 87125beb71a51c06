import pytest

from harness.commands.canary import Sighting, canary_table, suspicions


def sighting(right: int = 29, unread: int = 0, served: str = "gpt-4 fp_1") -> Sighting:
    return Sighting("openai:gpt-4", 30, right, unread, (served,))


def test_a_judge_that_stays_what_it_is_is_not_doubted() -> None:
    assert list(suspicions(sighting(29), sighting(28))) == []


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (sighting(23), "agrees with 23 of 30 pinned verdicts, expected are 24 or more"),
        (sighting(25), "agreed with 29 of 30 pinned verdicts before the run and with 25 after it"),
        (sighting(25, unread=4), "4 of 30 pinned verdicts are unread"),
        (sighting(served="mini fp_9"), "served by gpt-4 fp_1 before the run, by mini fp_9 after"),
    ],
)
def test_a_judge_that_changes_is_doubted(after: Sighting, said: str) -> None:
    assert any(said in doubt for doubt in suspicions(sighting(), after))


def test_the_table_has_a_row_before_and_after() -> None:
    table = canary_table([(sighting(), sighting(20))])
    assert [row[:3] for row in table.rows] == [
        ["openai:gpt-4", "before", "29 of 30"],
        ["openai:gpt-4", "after", "20 of 30"],
    ]
