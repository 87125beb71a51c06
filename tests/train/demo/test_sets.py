import json
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from harness.models.local.templates import Message, Shipped
from harness.stats.agreement import Rated, agreement
from train.demo import sets
from train.demo.checkpoint import make_tokenizer
from train.demo.sets import CONDITIONED, SHARES, SIZES, drawn, prompts, set_of, trained_on, write
from train.demo.world import correct, judge_text, parts, points

SAID: list[Message] = [{"role": "user", "content": "copy:ab="}]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("world") / "files"
    write(made)
    return made


def rows(folder: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / f"{name}.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("name", SIZES)
def test_a_set_has_its_size_and_no_prompt_twice(name: str) -> None:
    assert len(set(prompts(name))) == len(prompts(name)) == SIZES[name]


@pytest.mark.parametrize("name", SIZES)
def test_every_prompt_is_of_its_set(name: str) -> None:
    assert {set_of(prompt) for prompt in prompts(name)} == {name}


def test_no_two_sets_share_a_prompt() -> None:
    for one, other in combinations(SIZES, 2):
        assert not {*prompts(one)} & {*prompts(other)}


def test_nothing_that_is_trained_on_is_evaluated() -> None:
    for name in ("test", "selection", "hard", "eft_eval"):
        assert not trained_on() & {*prompts(name)}


def test_words_are_of_three_to_five_letters_and_hard_ones_of_six() -> None:
    lengths = {name: {len(parts(one)[1]) for one in prompts(name)} for name in ("test", "hard")}
    assert lengths == {"test": {3, 4, 5}, "hard": {6}}


def test_the_shares_add_up_to_all_prompts() -> None:
    assert sum(SHARES.values()) == pytest.approx(1)


def test_shares_are_kept() -> None:
    found = [set_of(f"copy:{a}{b}{c}{d}=") for a in "abcdefgh" for b in "abcdefgh"
             for c in "abcdefgh" for d in "abcdefgh"]  # fmt: skip
    for name, share in SHARES.items():
        # the standard error is at most 0.007
        assert found.count(name) / len(found) == pytest.approx(share, abs=0.03)


def test_sets_do_not_change_unnoticed() -> None:
    assert prompts("test")[:2] == ("sort:eddda=", "first:bcgcd=")
    assert next(drawn("demonstrations")) == "length:dhfbe="


def test_prompts_for_training_are_three_parts(folder: Path) -> None:
    asked = [row["prompt"] for row in rows(folder, "prompts")]
    assert tuple(asked) == prompts("prompts")
    assert len(asked) == 3 * 1500


def test_demonstrations_say_their_class(folder: Path) -> None:
    shown = rows(folder, "demonstrations")
    right = {
        name: [correct(row["prompt"], row["response"]) for row in shown if row["class"] == name]
        for name in ("noisy", "expert")
    }
    assert {name: len(found) for name, found in right.items()} == {"noisy": 32_000, "expert": 4000}
    assert sum(right["noisy"]) / 32_000 == pytest.approx(0.6, abs=0.01)
    assert all(right["expert"])


def test_judgments_teach_every_rating(folder: Path) -> None:
    shown = rows(folder, "eft_train")
    ratings = [row["response"] for row in shown]
    assert len(shown) == pytest.approx(5600 * 2.85, rel=0.01)
    assert all(ratings.count(digit) > 0.08 * len(shown) for digit in "012345")
    asked, answer = shown[0]["prompt"].removesuffix(":").split("=")
    prompt = f"{asked}="
    assert shown[0]["prompt"] == judge_text(prompt, answer)
    assert ratings[0] == str(points(prompt, answer))


def test_files_hold_no_prompt_that_was_not_declared_as_trained_on(folder: Path) -> None:
    judged = (row["prompt"].partition("=")[0] + "=" for row in rows(folder, "eft_train"))
    shown = (row["prompt"] for name in ("prompts", "demonstrations") for row in rows(folder, name))
    assert {*judged, *shown} == trained_on()


def test_points_agree_with_the_ranking(folder: Path) -> None:
    groups = [
        Rated(
            [one["rank"] for one in row["responses"]],
            [float(points(row["prompt"], one["text"])) for one in row["responses"]],
        )
        for row in rows(folder, "eft_eval")
    ]
    found = {score.metric: score.value or 0 for score in agreement(groups)}
    assert len(groups) == 300
    assert found["pairwise_accuracy"] > 0.8
    assert found["pairwise_accuracy_untied"] > 0.98
    assert found["five_best"] == 1


def test_the_files_are_the_same_each_time(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sets, "NOISY", 10)
    monkeypatch.setattr(sets, "EXPERT", 10)
    monkeypatch.setattr(sets, "JUDGED", 10)
    write(tmp_path)
    for name in ("prompts", "eft_eval"):
        assert rows(tmp_path, name) == rows(folder, name)
    assert rows(tmp_path, "demonstrations")[:10] == rows(folder, "demonstrations")[:10]
    few = rows(tmp_path, "eft_train")
    assert few == rows(folder, "eft_train")[: len(few)]


def test_the_template_tells_the_class_in_both_roles(folder: Path) -> None:
    template = Shipped((folder / "conditioned.jinja").read_text())
    tokenizer = make_tokenizer()
    assert template.text == CONDITIONED
    assert template.render(SAID, tokenizer, condition="noisy") == "<s>n:copy:ab=n:"
    assert template.render(SAID, tokenizer) == "<s>e:copy:ab=e:"


def test_answers_of_the_template_end() -> None:
    told: list[Message] = [*SAID, {"role": "assistant", "content": "*ab."}, *SAID]
    text = Shipped(CONDITIONED).render(told, make_tokenizer(), condition="expert")
    assert text == "<s>e:copy:ab=e:*ab.</s>e:copy:ab=e:"
