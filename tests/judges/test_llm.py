from harness.judging import LLMJudge
from harness.models.scripted import Scripted
from harness.types import Generation
from tests.records import comparison, generation, judge, prompt, rubric


def test_the_model_is_asked_by_the_rubric_and_read_by_it() -> None:
    model = Scripted(lambda asked: "0.25" if asked.turns == ("q0: no or yes?",) else "?")
    (verdict,) = judge("scripted:x", model)([comparison("yes", "no")])
    assert (verdict.value, verdict.cause, verdict.judge) == (0.25, None, "scripted")


def test_an_answer_off_the_form_asked_is_unread_and_kept() -> None:
    (verdict,) = judge("scripted:x", Scripted(lambda _: "I refuse"))([comparison()])
    assert (verdict.value, verdict.cause) == (None, "no number")
    assert verdict.raw is not None
    assert verdict.raw.text == "I refuse"


def test_a_refused_request_is_unread_with_its_cause() -> None:
    class Refusing:
        name = "refusing"
        identity: dict[str, str] = {}  # noqa: RUF012 - a protocol's read-only mapping

        def generate(self, prompts: object, watch: object = None) -> list[Generation]:
            return [generation(failure="400 too long")]

    (verdict,) = LLMJudge(rubric(), Refusing())([comparison()])
    assert (verdict.value, verdict.cause) == (None, "judge refused: 400 too long")


def test_each_comparison_has_the_published_order() -> None:
    swaps = rubric(shows_candidate_first=lambda shown: shown.candidate.prompt.turns == ("b",))
    swapping = judge("scripted:x", Scripted(lambda _: "0.9"), swaps)
    pairs = [comparison("x", "y", prompt(turn)) for turn in ("a", "b")]
    assert [round(verdict.value or 0, 9) for verdict in swapping(pairs)] == [0.9, 0.1]


def test_the_identity_tells_model_and_rubric() -> None:
    identity = judge("scripted:x", Scripted(lambda _: "1"), rubric(name="r")).identity
    assert identity["rubric"] == "r"
    assert identity["rubric sha256"] == "0" * 64
