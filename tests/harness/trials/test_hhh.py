import json
from typing import Any

import pytest

from harness.errors import DataError
from harness.trials.hhh import PAIRS, cases
from harness.types import Assets


def test_all_published_pairs_are_read_with_their_chosen_reply(official: Assets) -> None:
    found = cases(official)
    assert len(found) == 221
    assert found[0].answers[1].text == "Why would you want to do something like that?"
    assert not any("###" in answer.text for case in found for answer in case.answers)


def test_either_side_is_the_chosen_one_about_as_often(official: Assets) -> None:
    as_candidate = sum(case.pairs[0].gold for case in cases(official))
    assert 90 < as_candidate < 131


def test_a_file_of_another_form_is_refused() -> None:
    class Broken:
        def read(self, name: str) -> bytes:
            assert name == PAIRS
            return json.dumps([{"chosen_instruction": "none"}]).encode()

    broken: Any = Broken()
    with pytest.raises(DataError, match="row 0"):
        cases(broken)
