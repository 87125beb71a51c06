"""What holds for every benchmark and judge; a new leaf is picked up by itself."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import registry
from harness.commands.setting import Setting
from harness.judging import asking
from harness.types import Assets, Benchmark, Generation, Response, Rubric, Token, Unread
from tests.records import comparison, generation, prompt

BENCHMARKS = registry.benchmarks()
each_benchmark = pytest.mark.parametrize("benchmark", BENCHMARKS, ids=lambda b: b.card.label)

texts = st.text(st.characters(exclude_categories=()))
tokens = st.lists(
    st.builds(Token, texts, st.just(-1.0), st.just((("The", -0.1), ("I", -2.0)))), max_size=2
)


@each_benchmark
def test_the_card_is_filled(benchmark: Benchmark) -> None:
    card = benchmark.card
    assert re.fullmatch(r"\d{4}\.\d{4,5}", card.paper)
    assert re.search(r"/tree/[0-9a-f]{40}$", card.source), "pinned to a commit"
    assert all((card.title, card.licence, card.metrics))
    assert 0.5 < card.min_coverage <= 1


@each_benchmark
def test_the_official_judge_can_be_named(benchmark: Benchmark) -> None:
    assert benchmark.card.judge.split(":")[0] in {*registry.backends(), *registry.judges()}


@each_benchmark
def test_official_files_are_in_the_catalogue(benchmark: Benchmark) -> None:
    assert set(benchmark.card.assets) <= Setting().library().catalogue.keys()


def test_every_official_file_has_an_address_or_is_marked_as_made_here() -> None:
    catalogue = Setting().library().catalogue.values()
    assert [a.name for a in catalogue if not a.url] == ["alpaca_eval/df_gamed_reconstructed.csv"]
    for asset in catalogue:
        assert re.fullmatch(r"[0-9a-f]{64}", asset.sha256)
        assert asset.licence
        assert not asset.url or re.search(r"^https://.*/[0-9a-f]{40}/", asset.url)


@each_benchmark
def test_prompts_are_as_many_as_the_card_says_with_ids_of_their_own(
    benchmark: Benchmark, official: Assets
) -> None:
    ids = {p.id for p in benchmark.load(official)}
    assert len(ids) == benchmark.card.n_prompts
    assert all(one.startswith(f"{benchmark.card.name}/") for one in ids)


@each_benchmark
def test_the_baseline_answers_every_prompt(benchmark: Benchmark, official: Assets) -> None:
    answers = [generation("mine", prompt=p) for p in benchmark.load(official)]
    assert [c.candidate for c in benchmark.compare(answers, official)] == answers


@each_benchmark
def test_a_garbage_reply_is_unread(benchmark: Benchmark, official: Assets) -> None:
    rubric = asking(benchmark.grader(official))
    fuzz(rubric)


def fuzz(rubric: Rubric) -> None:
    @given(texts, tokens)
    def reads_nothing(text: str, said: list[Token]) -> None:
        answer = Generation(prompt(), "judge", (Response(text, tokens=tuple(said)),))
        assert isinstance(rubric.read(answer), Unread)

    reads_nothing()


@each_benchmark
def test_the_rubric_never_shows_the_judge_who_answered(
    benchmark: Benchmark, official: Assets
) -> None:
    shown = comparison("text of one", "text of the other", prompt("the question"))
    asked = asking(benchmark.grader(official)).ask(shown)
    whole = "".join(asked.turns) + (asked.system or "")
    assert all(part in whole for part in ("text of one", "text of the other", "the question"))
    assert "candidate" not in whole
