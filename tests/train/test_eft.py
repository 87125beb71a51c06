import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.chambers import Resampled
from harness.errors import DataError, ModelError
from harness.models.scripted import Scripted
from harness.types import Comparison, Judge, Verdict
from tests import records
from train.eft import Ranked, demonstrations, measure, read_ranked
from train.examples import Answer, Example


def ranked(prompt: str, **ranks: int) -> Ranked:
    responses = [{"text": text, "rank": rank} for text, rank in ranks.items()]
    return Ranked.model_validate({"prompt": prompt, "responses": responses})


def judge(*samples: str) -> list[Judge]:
    """Samples of a judge that each say a character about each response in order."""
    said = iter("".join(samples))
    model = Scripted(lambda _: f"Because.\nScore: {next(said)}", "m")
    return [records.judge("additive:m", Resampled(model, number)) for number in range(len(samples))]


def learnt(data: Sequence[Ranked], points: str, seed: int = 0) -> tuple[list[Example], str]:
    told: list[str] = []
    (one,) = judge(points)
    examples = demonstrations(data, one, told.append, seed=seed)
    return examples, told[0]


def ratings(examples: Sequence[Example]) -> str:
    return "".join(example.responses[0].text[-1] for example in examples)


def test_what_the_judge_was_asked_and_said_is_learnt() -> None:
    (first, second), _ = learnt([ranked("why?", good=1, bad=2)], "52")
    assert first.responses == (Answer("Because.\nScore: 5"),)
    assert second.responses == (Answer("Because.\nScore: 2"),)
    for example, text in ((first, "good"), (second, "bad")):
        assert "why?" in example.said[0]
        assert f"<response>\n{text}\n" in example.said[0]


def test_only_prompts_that_are_ordered_as_people_order_them_are_learnt() -> None:
    data = [
        ranked("same", a=1, b=2, c=3),
        ranked("turned", a=1, b=2),
        ranked("tied", a=1, b=2),
        ranked("unread", a=1, b=2),
        ranked("their tie", a=2, b=1, c=2),
    ]
    examples, told = learnt(data, "53124335n252")
    assert ratings(examples) == "531252"
    assert told == (
        "2 of 5 prompts are ordered by 'additive:m' as by people; 1 of 12 judgments unread; "
        "6 of 6 judgments kept after balancing their ratings"
    )


def test_of_the_commonest_rating_as_many_are_kept_as_of_the_next() -> None:
    """Four 4s, two 5s, one 3 and one 2: two 4s are dropped."""
    data = [ranked(str(number), a=1, b=2) for number in range(4)]
    examples, told = learnt(data, "54544342")
    assert Counter(ratings(examples)) == {"5": 2, "4": 2, "3": 1, "2": 1}
    assert told.endswith("; 6 of 8 judgments kept after balancing their ratings")


def test_chance_decides_which_are_dropped_by_the_seed() -> None:
    data = [ranked(str(number), a=1, b=2) for number in range(9)]
    points = "54" * 3 + "43" * 6
    drawn = {seed: learnt(data, points, seed)[0] for seed in range(9)}
    assert drawn[0] == learnt(data, points, 0)[0]
    assert len({str(examples) for examples in drawn.values()}) > 1
    # In the order of the prompts, whichever are dropped.
    for examples in drawn.values():
        asked = [example.said[0].partition("<question>\n")[2][0] for example in examples]
        assert asked == sorted(asked)


def test_one_rating_alone_needs_no_balance() -> None:
    examples, _ = learnt([ranked("their tie", a=1, b=1)], "44")
    assert ratings(examples) == "44"


def test_nothing_to_learn_from_is_an_error() -> None:
    with pytest.raises(ModelError) as error:
        learnt([ranked("turned", a=1, b=2)], "2n")
    assert str(error.value) == (
        "expected judgments to learn from, came none: 0 of 1 prompts are ordered by 'additive:m' "
        "as by people; 1 of 2 judgments unread; ask a better judge"
    )


def test_a_judge_without_words_teaches_nothing() -> None:
    class Program:
        name = "program"
        identity: dict[str, str] = {}  # noqa: RUF012 - a protocol's read-only mapping

        def __call__(self, comparisons: Sequence[Comparison], /) -> list[Verdict]:
            return [Verdict(c, "program", 5.0 - n) for n, c in enumerate(comparisons)]

    with pytest.raises(ModelError, match="came 'program', which decides by program"):
        demonstrations([ranked("p", a=1, b=2)], Program(), print)


def test_ratings_are_measured_by_their_means() -> None:
    """a: 5, 5; b: 5, 4; c: 2 and one unread. So one 5, people's first, and all in order."""
    scores = {s.metric: s for s in measure([ranked("p", a=1, b=2, c=3)], judge("552", "54n"))}
    values = {metric: score.value for metric, score in scores.items()}
    assert values == pytest.approx(
        {
            "pairwise_accuracy": 1,
            "pairwise_accuracy_untied": 1,
            "five_best": 1,
            "exact_match": 1,
            "spearman_rho": 1,
            "kendall_tau_b": 1,
        }
    )
    assert (scores["five_best"].n, scores["five_best"].n_unread) == (1, 0)


def test_a_response_of_which_nothing_was_read_is_counted() -> None:
    (score, *_) = measure([ranked("p", a=1, b=2), ranked("q", a=2, b=1)], judge("5n14"))
    assert (score.value, score.n, score.n_unread) == (1, 1, 1)


def test_rows_are_read_with_what_else_they_have_left_aside(tmp_path: Path) -> None:
    row = {"prompt": "p", "responses": [{"text": "a", "rank": 0}, {"text": "b", "rank": 1}]}
    (tmp_path / "rows.jsonl").write_text(json.dumps(row | {"lang": "en"}) + "\n" + json.dumps(row))
    assert read_ranked("./rows.jsonl", tmp_path) == [ranked("p", a=0, b=1)] * 2


GOOD = {"text": "a", "rank": 1}


@pytest.mark.parametrize(
    ("row", "place"),
    [
        ({"responses": [GOOD, GOOD]}, "prompt"),
        ({"prompt": "p"}, "responses"),
        ({"prompt": "p", "responses": [GOOD]}, "responses"),
        ({"prompt": "p", "responses": [GOOD, {"text": "b"}]}, "responses.1.rank"),
        ({"prompt": "p", "responses": [GOOD, {"text": "b", "rank": "2"}]}, "responses.1.rank"),
        ({"prompt": "p", "responses": [{"rank": 1}, GOOD]}, "responses.0.text"),
    ],
)
def test_a_row_of_another_form_is_named(row: dict[str, Any], place: str, tmp_path: Path) -> None:
    good = json.dumps({"prompt": "p", "responses": [GOOD, GOOD]})
    (tmp_path / "rows.jsonl").write_text(f"{good}\n{json.dumps(row)}")
    with pytest.raises(DataError, match=rf"^./rows.jsonl, row 2: .*'{place}' with a fault: "):
        read_ranked("./rows.jsonl", tmp_path)
