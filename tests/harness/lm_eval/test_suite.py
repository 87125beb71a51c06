"""Benchmarks of lm-eval's tasks, with models that say what they are told to."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from harness import registry
from harness.errors import DataError, ModelError, SpecError, UnknownNameError
from harness.judging import Matched, Settled
from harness.lm_eval import package
from harness.lm_eval.local import EXAMS, Reader, source_of
from harness.lm_eval.opening import Part, Suite, only
from harness.lm_eval.package import defined, open_tasks, quiet
from harness.lm_eval.rows import read_answers
from harness.lm_eval.suite import benchmark
from harness.pipeline import Answers, Result, grade, load
from harness.types import (
    GIVEN,
    LIKELIEST,
    Assets,
    Benchmark,
    Comparison,
    Generation,
    Matcher,
    Prompt,
    Response,
    Token,
    Unread,
)
from tests.harness.lm_eval.trimmed import Trimmed
from tests.records import card

pytest.importorskip("lm_eval", reason="the lm-eval extra is not installed")
pytestmark = pytest.mark.filterwarnings("ignore")  # of a package that is not ours

Say = Callable[[Prompt], Generation]


@pytest.fixture(scope="module")
def few(official: Assets) -> Assets:
    return Trimmed(official, 20)


def made(*parts: Part, **options: bool) -> Benchmark:
    named = card(name="suite", judge="exact", min_coverage=0.9)
    return benchmark(named, Suite(parts, **options))


PIQA = Part("piqa", only("piqa"), "acc", shots=0)
GSM8K = Part("gsm8k", only("gsm8k"), "exact_match", "strict-match", shots=2)


def told(prompt: Prompt, logprobs: Sequence[float]) -> Generation:
    best = max(logprobs)
    responses = (
        Response(choice, LIKELIEST if one == best else GIVEN, (Token(choice, one, ()),))
        for choice, one in zip(
            prompt.choices * (len(logprobs) // len(prompt.choices)), logprobs, strict=True
        )
    )
    return Generation(prompt, "m", tuple(responses))


def first_choice(prompt: Prompt) -> Generation:
    n = len(prompt.turns) * len(prompt.choices)
    return told(prompt, [-1.0, *[-2.0] * (n - 1)])


def written(text: str) -> Say:
    return lambda prompt: Generation(prompt, "m", (Response(text),))


def result(asked: Benchmark, say: Say, assets: Assets) -> Result:
    generations = [say(prompt) for prompt in load(asked, assets)]
    grader = asked.grader(assets)
    assert isinstance(grader, Matcher)
    judge = Settled(Matched(grader))
    return grade(asked, Answers("m", {}, generations), judge, assets)


def test_the_share_of_right_choices_with_lm_evals_standard_error(few: Assets) -> None:
    right = [row["label"] == 0 for row in Reader(few).rows("piqa/validation.jsonl")]
    [score] = result(made(PIQA), first_choice, few).scores
    p = sum(right) / 20
    assert (score.metric, score.value, score.n) == ("piqa", p, 20)
    assert score.standard_error == pytest.approx((p * (1 - p) / 19) ** 0.5)
    assert score.interval is not None
    assert score.interval[0] == pytest.approx(p - 1.959964 * (score.standard_error or 0))


def test_an_item_is_a_document_with_what_it_is_worth(few: Assets) -> None:
    found = result(made(PIQA), first_choice, few)
    assert [item.id for item in found.items] == [f"suite/piqa/{n}" for n in range(20)]
    [score] = found.scores
    assert sum(item.value or 0 for item in found.items) == pytest.approx(20 * (score.value or 0))
    assert [v.value for v in found.verdicts] == [item.value for item in found.items]


def test_an_answer_is_read_by_the_tasks_own_filter(few: Assets) -> None:
    gold = Reader(few).rows("gsm8k/test.jsonl")[0]["answer"].split("####")[1].strip()
    found = result(made(GSM8K), written(f"So it is #### {gold}"), few)
    assert found.items[0].value == 1
    assert result(made(GSM8K), written(f"So it is {gold}"), few).items[0].value == 0


def test_the_mean_is_plain_over_parts(few: Assets) -> None:
    mean, *parts = result(
        made(PIQA, GSM8K), lambda p: first_choice(p) if p.choices else written("")(p), few
    ).scores
    assert mean.metric == "mean"
    assert mean.value == pytest.approx(sum(part.value or 0 for part in parts) / 2)
    errors = [part.standard_error or 0 for part in parts]
    assert mean.standard_error == pytest.approx(sum(e**2 for e in errors) ** 0.5 / 2)
    assert mean.n == 40


def test_a_part_of_several_tasks_is_their_plain_mean(few: Assets) -> None:
    tasks = ("mmlu_anatomy", "mmlu_world_religions")
    whole = result(made(Part("mmlu", only(*tasks), "acc", shots=5)), first_choice, few).scores
    alone = [
        result(made(Part("x", only(task), "acc", shots=5)), first_choice, few).scores[0].value
        for task in tasks
    ]
    assert whole[0].value == pytest.approx(sum(value or 0 for value in alone) / 2)


def test_a_refused_prompt_is_unread_and_bounds_say_what_it_could_be(few: Assets) -> None:
    def say(prompt: Prompt) -> Generation:
        refused = prompt.id.endswith("/0")
        return Generation(prompt, "m", (), "too long") if refused else first_choice(prompt)

    found = result(made(PIQA), say, few)
    [score] = found.scores
    assert (score.n, score.n_unread) == (19, 1)
    assert score.bounds == pytest.approx(
        ((score.value or 0) * 0.95, (score.value or 0) * 0.95 + 0.05)
    )
    assert found.items[0].cause == "no response: too long"


def test_contexts_that_were_cut_are_counted_and_named(few: Assets) -> None:
    def say(prompt: Prompt) -> Generation:
        answer = first_choice(prompt)
        cut = tuple(replace(one, cut=9) for one in answer.responses)
        return replace(answer, responses=cut) if prompt.id.endswith("/3") else answer

    [score] = result(made(PIQA), say, few).scores
    assert list(score.doubts) == [
        (
            "piqa: 1 of 20 contexts are longer than the window and lost their beginning "
            "(first suite/piqa/3; at most 9 tokens)"
        )
    ]


def test_examples_from_a_substitute_raise_a_doubt_and_none_do_not(few: Assets) -> None:
    [zero] = result(made(PIQA), first_choice, few).scores
    [two] = result(made(PIQA._replace(shots=2)), first_choice, few).scores
    assert zero.doubts == ()
    assert "examples are from the evaluated split" in two.doubts[0]


def test_the_document_itself_is_never_among_its_examples(few: Assets) -> None:
    rows = Reader(few).rows("piqa/validation.jsonl")
    for row, prompt in zip(rows, made(PIQA._replace(shots=5)).load(few), strict=True):
        assert prompt.turns[0].count(row["goal"]) == 1


def test_two_contexts_of_one_document_are_one_prompt(few: Assets) -> None:
    [prompt, *_] = made(Part("w", only("winogrande"), "acc", shots=0)).load(few)
    assert (len(prompt.turns), len(prompt.choices)) == (2, 1)


def test_a_choice_may_be_compared_with_itself_after_nothing(few: Assets) -> None:
    from benchmarks.nlp9 import PARTS

    obqa = next(part for part in PARTS if part.name == "obqa")
    [prompt, *_] = made(obqa).load(few)
    assert (prompt.turns[1], len(prompt.choices)) == ("", 4)
    gold = [row["gold"] for row in Reader(few).rows("openbookqa/test.jsonl")]
    # The second choice is no likelier than the others, but much likelier than after nothing.
    found = result(made(obqa), lambda p: told(p, [-1, -2, -3, -4, -1, -9, -3, -4]), few)
    assert found.scores[0].value == pytest.approx(sum(one == 1 for one in gold) / len(gold))


def test_all_metrics_are_shown_where_none_is_chosen(few: Assets) -> None:
    scores = result(made(Part("piqa", only("piqa"))), first_choice, few).scores
    assert [score.metric for score in scores] == ["acc", "acc_norm"]
    both = result(made(Part("gsm8k", only("gsm8k"))), written("#### 1"), few).scores
    assert [s.metric for s in both] == [
        "exact_match (strict-match)",
        "exact_match (flexible-extract)",
    ]


def test_the_identity_says_how_it_was_asked(few: Assets) -> None:
    plain, chat = (made(PIQA, chat=on).identify(few) for on in (False, True))
    assert plain["shots"] == "piqa 0"
    assert plain["data"] == "official files"
    assert plain["chat template"] == "none"
    assert plain["chat template"] != chat["chat template"]
    assert plain["requests sha256"] != chat["requests sha256"]


def test_through_the_chat_template_examples_are_in_the_users_turn(few: Assets) -> None:
    [prompt, *_] = made(GSM8K, chat=True).load(few)
    assert not prompt.raw
    assert prompt.turns[0].count("Question:") == 3
    [described, *_] = made(Part("nq", only("nq_open")), chat=True).load(few)
    assert described.system == "Answer these questions:\n\n"


def test_tasks_are_opened_once_for_the_same_files(
    few: Assets, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = made(PIQA)
    first = asked.load(few)
    monkeypatch.setattr("harness.lm_eval.suite.open_suite", None)
    assert asked.load(few) == first


def test_what_was_written_is_scored_again_without_a_model(few: Assets) -> None:
    asked = made(PIQA, GSM8K)
    found = result(asked, lambda p: first_choice(p) if p.choices else written("#### 18")(p), few)
    answers = [verdict.comparison.candidate for verdict in found.verdicts]
    rows = asked.files.write_outputs(answers)
    assert asked.files.rescore_outputs is not None
    again = asked.files.rescore_outputs(rows, few)
    assert (again.scores, again.items) == (found.scores, found.items)


@pytest.mark.parametrize("rows", [[], [{"id": "x"}], [{"output": "y"}], [3]])
def test_rows_of_something_else_are_refused(rows: list[object]) -> None:
    with pytest.raises(DataError, match="expected"):
        read_answers(rows, {})  # type: ignore[arg-type]


def test_published_outputs_and_judgments_do_not_fit(few: Assets) -> None:
    files = made(PIQA).files
    with pytest.raises(DataError, match="do not tell how likely"):
        files.read_outputs([], few)
    for read in (lambda: files.read_judgments([], few), lambda: files.rescore([], few)):
        with pytest.raises(DataError, match="need no judge"):
            read()


def test_an_answer_to_another_prompt_is_unread(few: Assets) -> None:
    asked = made(PIQA)
    [prompt, *_] = asked.load(few)
    grader = asked.grader(few)
    assert isinstance(grader, Matcher)
    one = Generation(prompt, "m", (Response("only one"),))
    assert isinstance(grader.match(Comparison(one)), Unread)


def test_an_unknown_task_is_told_with_the_nearest_known_one(few: Assets) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'hellaswag'"):
        open_tasks([{"task": "helaswag"}], ["hellaswag"])
    del few


def test_a_file_that_is_not_here_is_told_by_name() -> None:
    class Empty:
        def read(self, name: str) -> bytes:
            raise DataError(f"expected the asset '{name}'")

        def has(self, _name: str) -> bool:
            return False

        def names(self, _prefix: str) -> list[str]:
            return []

    with pytest.raises(DataError, match=r"'piqa/validation.jsonl'; .* add ':hub'"):
        made(PIQA).load(Empty())


@pytest.mark.parametrize("name", ["open_llm_leaderboard", "nlp9", "agieval", "lm_eval:sciq"])
def test_without_lm_eval_one_is_told_what_to_install(
    few: Assets, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "lm_eval", None)
    package.defined.cache_clear()
    with pytest.raises(ModelError, match=r"pip install 'iterbench\[lm-eval\]'"):
        registry.benchmark(name).grader(few)


def test_a_task_that_runs_what_a_model_writes_is_refused() -> None:
    class Unsafe:
        UNSAFE_CODE = True
        task_name = "humaneval"

    with pytest.raises(SpecError, match="runs what the model writes"):
        package._check(Unsafe())


def test_lm_eval_is_left_as_it_was_found() -> None:
    from lm_eval import utils
    from lm_eval.api import task

    before = (utils.apply_template, task.tqdm)
    with quiet():
        assert utils.apply_template("{{a}} b", {"a": 1}) == "1 b"
    assert (utils.apply_template, task.tqdm) == before


def test_every_task_of_the_leaderboards_has_official_files() -> None:
    assert len(defined("mmlu/default", "mmlu_")) == 57
    names = [*defined("mmlu/default", "mmlu_"), "arc_challenge", "hellaswag", "winogrande", "gsm8k"]
    assert all(source_of(name) for name in names)
    assert len(EXAMS) == 9
    assert source_of("wikitext") is None


def test_the_zero_shot_prompt_of_an_exam_is_agievals(official: Assets) -> None:
    [prompt, *_] = made(Part("x", only("agieval_sat_math"), "acc")).load(Trimmed(official, 1))
    assert prompt.turns[0].endswith(
        "Answer Choices: (A)2 (B)4 (C)9 (D)10\nA: Among A through D, the answer is"
    )
    assert prompt.choices == (" (A)2", " (B)4", " (C)9", " (D)10")
