"""v2.0's checks, on files made in the published form."""

from typing import Any

import pytest

from benchmarks.arena_hard.v2 import BASELINES, parity
from harness.types import Check
from tests.benchmarks.arena_hard.v2.made import answered, game, judged, small
from tests.shelf import Shelf

BOARDS = """# Boards

Hard Prompt, Style Control
```console
      Model  Scores (%)         CI (%)
0         M        11.0  (-0.8 / +0.9)
```

Creative Writing, Ensemble **(Best)**
```console
      Model  Scores (%)         CI (%)
0     other        90.8  (-1.2 / +1.3)
1         M        62.5  (-1.1 / +1.0)
```
"""
FILES = [f"{parity.JUDGMENTS}{judge}/m.jsonl" for judge in ("one", "two")]


def checks(shelf: Shelf) -> dict[str, Check]:
    return dict(zip(("styles", "labels", "board", "rest"), parity.verify(shelf), strict=True))


def shelved(*rows: dict[str, Any]) -> Shelf:
    """The official files, with boards, and a judge's rows for each file of judgments."""
    shelf = small()
    shelf = Shelf({**shelf.files, parity.BOARDS: BOARDS.encode()})
    for name, row in zip(FILES, rows, strict=True):
        shelf = shelf.put(name, [row, judged("h1", "A>>B", "B>>A", model="folder/m")])
    return shelf


def test_the_board_is_recomputed_from_both_judges_together() -> None:
    """Won 1 of 1 and tied 1; won 1 of 1 and lost 1 of 1: 2.5 of 4."""
    found = checks(shelved(judged("c1", "B>A", "A=B"), judged("c1", "B>A", "B>A", model="x/M")))
    assert (found["board"].n, found["board"].largest, found["board"].holds) == (1, 0, True)


def test_a_board_that_says_otherwise_differs() -> None:
    found = checks(shelved(judged("c1", "B>A", "A>B"), judged("c1", "B>A", "A>B")))
    assert (found["board"].largest, found["board"].worst) == (37.5, "m")
    assert not found["board"].holds


def test_one_judge_alone_is_not_held_against_the_board_of_two() -> None:
    shelf = shelved(judged("c1", "B>A", "A=B"), judged("c1", "B>A", "B>A"))

    class Partly(Shelf):
        def has(self, name: str, /) -> bool:
            return super().has(name) and name != FILES[1]

    board = checks(Partly(shelf.files))["board"]
    assert (board.n, board.provable) == (0, False)


@pytest.mark.parametrize(("words", "holds"), [("so [[A=B]]", True), ("so [[A>B]]", False)])
def test_labels_are_read_from_the_words_again(words: str, holds: bool) -> None:
    row = judged("c1", games=[game("A=B", words), None])
    found = checks(shelved(row, judged("c1", "A=B", "A=B")))["labels"]
    assert (found.n, found.holds) == (1, holds)


@pytest.mark.parametrize(("bold", "largest"), [(1, 0), (4, 3)])
def test_marks_are_counted_again(bold: int, largest: int) -> None:
    kept = {"token_len": 9, "header_count": {"h1": 1, "h2": 0}, "bold_count": {"**": bold}}
    row = answered("h1", {"answer": "# one\n**two**"}, metadata=kept | {"list_count": {}})
    found = checks(small().put(f"{parity.ANSWERS}{BASELINES[0]}.jsonl", [row]))["styles"]
    assert (found.n, found.largest) == (3, largest)


def test_what_is_not_here_is_not_proven_and_says_what_to_pull() -> None:
    found = checks(small())
    assert [one.n for one in found.values()] == [0, 0, 0, 0]
    assert not any(one.provable for one in found.values())
    assert "assets pull arena_hard/v2.0/model_judgment/" in found["board"].notes[0]
    assert "Hugging Face" in found["rest"].notes[0]
