"""What holds for every benchmark and judge; a new leaf is picked up by itself."""

import re
from dataclasses import replace
from importlib.util import find_spec

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import registry
from harness.commands.setting import Setting
from harness.types import (
    Assets,
    Benchmark,
    Comparison,
    Generation,
    Prompt,
    Response,
    Rubric,
    Token,
    Unread,
)
from tests.records import generation

REFORMATTED = (
    "arc/",
    "hellaswag/",
    "mmlu/",
    "openbookqa/",
    "piqa/",
    "siqa/",
    "winogrande/",
)
OF_LM_EVAL = {"open_llm_leaderboard", "nlp9", "agieval"}
BENCHMARKS = registry.benchmarks()
each_benchmark = pytest.mark.parametrize("benchmark", BENCHMARKS, ids=lambda b: b.card.label)

texts = st.text(st.characters(exclude_categories=()))
tokens = st.lists(
    st.builds(Token, texts, st.just(-1.0), st.just((("The", -0.1), ("I", -2.0)))), max_size=2
)


@pytest.fixture(autouse=True)
def _installed(request: pytest.FixtureRequest) -> None:
    """Skips what cannot be opened without an extra."""
    benchmark = request.node.callspec.params.get("benchmark") if _has_benchmark(request) else None
    if benchmark and benchmark.card.name in OF_LM_EVAL and find_spec("lm_eval") is None:
        pytest.skip("the lm-eval extra is not installed")


def _has_benchmark(request: pytest.FixtureRequest) -> bool:
    return "benchmark" in request.fixturenames


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
    here_only = {a.name for a in catalogue if not a.url}
    # Some data of lm-eval's tasks were had in another form than any address gives.
    reformatted = {name for name in here_only if name.startswith(REFORMATTED)}
    assert sorted(here_only - reformatted) == [
        "alpaca_eval/df_gamed_reconstructed.csv",
        "arena_hard/expected_scores_partial.csv",
        "mt_bench/expected_scores.csv",
    ]
    for asset in catalogue:
        first_seen = asset.name.startswith("super_natural_instructions/tasks/")
        hashed = re.fullmatch(r"[0-9a-f]{64}|git:[0-9a-f]{40}", asset.sha256)
        assert hashed or (first_seen and not asset.sha256)
        assert asset.licence
        assert not asset.url or re.search(r"^https://.*/[0-9a-f]{40}/", asset.url)


@each_benchmark
def test_prompts_are_as_many_as_the_card_says_with_ids_of_their_own(
    benchmark: Benchmark, files: Assets
) -> None:
    ids = {p.id for p in benchmark.load(files)}
    assert len(ids) == benchmark.card.n_prompts
    assert all(one.startswith(f"{benchmark.card.name}/") for one in ids)


@each_benchmark
def test_published_categories_are_of_every_prompt(benchmark: Benchmark, files: Assets) -> None:
    if benchmark.categories is not None:
        assert benchmark.categories(files).keys() == {p.id for p in benchmark.load(files)}


@each_benchmark
def test_every_answer_is_compared_in_every_turn(benchmark: Benchmark, files: Assets) -> None:
    answers = [answer_to(p) for p in benchmark.load(files)]
    compared = benchmark.compare(answers, files)
    mine = [c.candidate for c in compared if c.candidate.model == "candidate"]
    assert mine == [answer for answer in answers for _ in benchmark.turns]


def answer_to(asked: Prompt) -> Generation:
    return generation(*("mine" for _ in asked.turns), prompt=asked)


@each_benchmark
def test_a_garbage_reply_is_unread(benchmark: Benchmark, files: Assets) -> None:
    answer = answer_to(benchmark.load(files)[0])
    (about, *_) = benchmark.compare([answer], files)
    for ask, shown in (
        (benchmark.grader, about),
        (benchmark.duel, replace(about, baseline=answer)),
    ):
        grader = ask and ask(files)
        if isinstance(grader, Rubric):
            fuzz(grader, shown)


def fuzz(rubric: Rubric, about: Comparison) -> None:
    asked = rubric.ask(about)

    # Constants of our own sources are tried too; a verdict in brackets among them is no garbage.
    @given(texts.filter(lambda text: "[[" not in text), tokens)
    def reads_nothing(text: str, said: list[Token]) -> None:
        answer = Generation(asked, "judge", (Response(text, tokens=tuple(said)),))
        assert isinstance(rubric.read(answer), Unread)

    reads_nothing()


@each_benchmark
def test_the_rubric_never_shows_the_judge_who_answered(benchmark: Benchmark, files: Assets) -> None:
    for ask in filter(None, (benchmark.grader, benchmark.duel)):
        grader = ask(files)
        if not isinstance(grader, Rubric):
            continue
        (first, *_) = benchmark.load(files)
        sides = [
            generation(*(f"text of {who}" for _ in first.turns), prompt=first, model=f"model {who}")
            for who in ("one", "two")
        ]
        rated = benchmark.compare([sides[0]], files)[0].baseline is None and ask is benchmark.grader
        asked = grader.ask(Comparison(sides[0], None if rated else sides[1], benchmark.turns[0]))
        whole = "".join(asked.turns) + (asked.system or "")
        expected = ["text of one", first.turns[0]] + ([] if rated else ["text of two"])
        assert all(part in whole for part in expected)
        assert "model one" not in whole
        assert "model two" not in whole
