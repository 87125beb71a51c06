from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from harness.models.scripted import Scripted
from harness.models.serving.fingerprinted import Fingerprinted
from harness.store import Cached, Store
from harness.types import UNWATCHED, Decoding, Generation, Prompt, Watch, close, prompt_of


@dataclass
class Heavy:
    """Holds something until it is closed."""

    name: str = "heavy"
    identity: Mapping[str, str] = field(default_factory=dict)
    closed: int = 0

    def generate(self, prompts: Sequence[Prompt], watch: Watch = UNWATCHED) -> list[Generation]:
        return []

    def close(self) -> None:
        self.closed += 1


def test_a_model_is_closed_through_what_wraps_it(tmp_path: Path) -> None:
    heavy = Heavy()
    with Store(tmp_path / "store.sqlite") as store:
        close(Cached(Fingerprinted(heavy, "f00"), store, "run"))
    assert heavy.closed == 1


def test_a_model_that_holds_nothing_need_not_close() -> None:
    close(Scripted(lambda _: "x"))


def test_the_canonical_decoding_leaves_out_what_is_default() -> None:
    assert Decoding(max_tokens=9).canonical() == {"max_tokens": 9}
    assert Decoding(9, temperature=1, stop=("a",)).canonical() == {
        "max_tokens": 9,
        "temperature": 1.0,
        "stop": ("a",),
    }


@pytest.mark.parametrize(
    ("item", "prompt"),
    [
        ("mt_bench/81/turn-2", "mt_bench/81"),
        ("alpaca_eval/7", "alpaca_eval/7"),
        ("p/turn-x", "p/turn-x"),
        ("p/turn-1/turn-2", "p/turn-1"),
    ],
)
def test_an_item_is_of_its_prompt_whatever_the_turn(item: str, prompt: str) -> None:
    assert prompt_of(item) == prompt
