"""Recipes: what they may say, and what is said of those that say something else."""

import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import train.data
from harness.errors import SpecError, UnknownNameError
from train import recipe
from train.criterion import Criterion
from train.data import compared
from train.objectives import OBJECTIVES
from train.recipe import Recipe, Training, read_recipe

DOCUMENTED = dedent(str(recipe.__doc__).split("\n\n")[1])


DATA = {
    "compared": "judge: j",
    "rated": "judge: j",
    "judgments": "ranked: a.jsonl",
    "ranked": "demonstrations: a.jsonl, rank: {by: contextual, judge: j}",
    "demonstrations": "sources: [{file: a.jsonl}]",
}
OBJECTIVE = {
    "sppo": "eta: 5",
    "sppo_hard": "eta: 5",
    "tuna": "margin: 0.1, mle_weight: 1",
    **dict.fromkeys(("dpo", "ipo", "ipo_sum", "kto"), "beta: 1"),
    **dict.fromkeys(("sft", "c_rlft"), ""),
}
FIT = {
    "compared": {"dpo", "ipo", "ipo_sum", "kto", "sppo", "sppo_hard", "sft"},
    "rated": {"dpo", "ipo", "ipo_sum", "kto", "sppo_hard", "sft"},
    "judgments": {"sft"},
    "ranked": {"tuna", "sft"},
    "demonstrations": {"sft", "c_rlft"},
}


def reading(folder: Path, text: str, variant: str | None = None) -> Recipe:
    (folder / "x.yaml").write_text(text)
    return read_recipe(folder / "x.yaml", variant)


def changed(folder: Path, old: str, new: str) -> Recipe:
    """The documented recipe with a piece of it exchanged."""
    assert old in DOCUMENTED
    return reading(folder, DOCUMENTED.replace(old, new))


def test_the_documented_example_is_a_recipe(tmp_path: Path) -> None:
    made = reading(tmp_path, DOCUMENTED)
    (stage,) = made.stages
    assert (made.name, made.sampler, stage.repeat, stage.method) == ("sppo-tiny", "hf", 3, "sppo")
    assert stage.data == compared.Settings(kind="compared", judge="pairrm")
    assert (stage.objective.name, stage.objective.settings) == ("sppo", {"eta": 5.0})
    assert stage.training == Training(learning_rate=3e-4)


def test_paths_that_begin_with_a_dot_are_relative_to_the_recipe(tmp_path: Path) -> None:
    text = DOCUMENTED.replace("3e-4", "3e-4, launch: ../fsdp.yaml")
    made = reading(tmp_path, f"chat_template: ./a.jinja\n{text}")
    assert made.base == f"hf:{tmp_path}/base"
    assert made.chat_template == f"{tmp_path}/a.jinja"
    assert made.stages[0].training.launch == f"{tmp_path}/../fsdp.yaml"


def test_other_paths_stay(tmp_path: Path) -> None:
    made = changed(tmp_path, "hf:./base", "hf:org/base\nchat_template: a.jinja")
    assert (made.base, made.chat_template) == ("hf:org/base", "a.jinja")


def test_a_variant_changes_what_it_names_and_is_called_after_it(tmp_path: Path) -> None:
    plain, fast = reading(tmp_path, DOCUMENTED), reading(tmp_path, DOCUMENTED, "fast")
    assert (fast.name, fast.stages[0].data.samples) == ("sppo-tiny-fast", 2)
    kept = {"stages": plain.stages, "name": plain.name}
    assert fast.model_copy(update=kept) == plain
    assert fast.stages[0].training == plain.stages[0].training


def test_an_unknown_variant_gets_the_nearest_one(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"no variant of .*'fats'; did you mean 'fast'"):
        reading(tmp_path, DOCUMENTED, "fats")


def test_variants_are_no_part_of_what_a_recipe_says(tmp_path: Path) -> None:
    plain, other = reading(tmp_path, DOCUMENTED), changed(tmp_path, "samples: 2", "samples: 3")
    assert plain.model_dump_json() == other.model_dump_json()


def test_a_stage_that_is_overlaid_keeps_its_neighbours(tmp_path: Path) -> None:
    stages = dedent("""\
        name: a
        base: hf:a
        stages:
          - {data: {kind: compared, judge: j}, objective: {name: dpo, beta: 1}, training: &rate
              {learning_rate: 1}}
          - {data: {kind: compared, judge: j}, objective: {name: ipo, beta: 1}, training: *rate}
        variants: {b: {stages: [{}, {objective: {beta: 2}}]}}
        """)
    betas = [one.objective.settings["beta"] for one in reading(tmp_path, stages, "b").stages]
    assert betas == [1, 2]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("name: sppo-tiny", "nmae: a", ":1: there is no key 'nmae', did you mean 'name'?"),
        ("repeat: 3", "repaet: 3", ":5: there is no key 'stages.0.repaet', did you mean 'repeat'?"),
        ("parts: 3", "part: 3", ":3: there is no key 'prompts.part', did you mean 'parts'?"),
        ("eta: 5", "etta: 5", ":7: there is no key 'stages.0.objective.etta', did you mean 'eta'?"),
        (", eta: 5", "", ":7: the key 'stages.0.objective.eta' is missing"),
        ("sppo, eta", "spo, eta", ":7: 'stages.0.objective.name': there is no 'spo', did you mean"),
        ("compared", "compard", ":6: 'stages.0.data.kind': there is no 'compard', did you mean"),
        ("judge: pair", "jugde: pair", ":6: there is no key 'stages.0.data.jugde', did you mean"),
        ("3e-4", "3e-4, wramup: 0", ":8: there is no key 'stages.0.training.wramup', did you mean"),
        ("samples: 2", "smaples: 2", ":10: there is no key 'stages.0.data.smaples', did you mean"),
        ("samples: 2", "samples: 1", ":10: 'stages.0.data.samples': input should be greater than"),
        (
            "eta: 5",
            "eta: -1",
            ":7: 'stages.0.objective.eta': input should be greater than 0, came -1",
        ),
        ("eta: 5", "eta: .inf", ":7: 'stages.0.objective.eta': input should be a finite number"),
        ("eta: 5", "eta: '5'", ":7: 'stages.0.objective.eta': input should be a valid number"),
        ("hf:./base", "openai:gpt-4.1", ":2: 'base': expected hf:FOLDER or hf:OWNER/NAME, weights"),
        ("hf:./base", "'hf:'", ":2: 'base': expected hf:FOLDER or hf:OWNER/NAME, weights"),
        ("parts: 3", "parts: 0", ":3: 'prompts.parts': input should be greater than 0, came 0"),
        ("name: sppo-tiny", "name: a/b", ":1: 'name': expected 1 to 120 characters"),
        ("fast: {", "a/b: {", ":10: 'variants.a/b': expected 1 to 120 characters"),
        (
            "fast: {",
            "fast: 3 #",
            ":10: 'variants.fast': input should be a valid dictionary, came 3",
        ),
    ],
)
def test_what_is_wrong_gets_file_line_and_remedy(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    with pytest.raises(SpecError) as raised:
        changed(tmp_path, old, new)
    assert str(raised.value).startswith(f"{tmp_path / 'x.yaml'}{said}")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("training", "said"),
    [
        ("learning_rate: 0", "'stages.0.training.learning_rate': input should be greater than 0"),
        ("warmup: 1", "warmup': input should be less than 1"),
        ("warmup: .nan", "warmup': input should be a finite number"),
        ("schedule_epochs: 0", "schedule_epochs': input should be greater than 0"),
        ("batch_size: 0", "batch_size': input should be greater than 0"),
        ("steps: 1.5", "steps': input should be a valid integer"),
        ("optimizer: sgd", "optimizer': input should be 'adamw' or 'rmsprop', came 'sgd'"),
        ("betas: [0.9, 1]", "betas.1': input should be less than 1"),
        ("betas: [0.9]", "the key 'stages.0.training.betas.1' is missing"),
        ("max_grad_norm: -1", "max_grad_norm': input should be greater than 0"),
        ("dtype: float8", "dtype': input should be 'auto', 'float32', 'bfloat16' or 'float16'"),
        ("seed: -1", "seed': input should be greater than or equal to 0"),
        ("lora: {r: 0}", "lora.r': input should be greater than 0"),
        ("lora: {rank: 8}", "there is no key 'stages.0.training.lora.rank'; keys here: r, alpha"),
        ("report_to: wandb", "report_to': input should be a valid tuple, came 'wandb'"),
        ("final_learning_rate: 0.1", "expected final_learning_rate to be at most learning_rate"),
        ("{batch_size: 9, micro_batch: 2}", "expected batch_size to be a multiple of micro_batch"),
        (
            "{schedule: constant, final_learning_rate: 0.001}",
            "expected no final_learning_rate where the schedule is constant",
        ),
    ],
)
def test_training_has_ranges(tmp_path: Path, training: str, said: str) -> None:
    rest = {} if training.startswith("learning_rate") else {"learning_rate": 0.01}
    stage = yaml.safe_load(DOCUMENTED)["stages"][0] | {"training": rest | yaml.safe_load(training)}
    with pytest.raises(SpecError) as raised:
        reading(tmp_path, yaml.safe_dump({"name": "a", "base": "hf:a", "stages": [stage]}))
    assert said in str(raised.value)


def test_lists_of_a_file_are_what_the_training_asks_for(tmp_path: Path) -> None:
    said = "3e-4, betas: [0.8, 0.95], report_to: [wandb], lora: {targets: [q_proj, v_proj]}"
    (stage,) = changed(tmp_path, "3e-4", said).stages
    assert stage.training.betas == (0.8, 0.95)
    assert stage.training.report_to == ("wandb",)
    assert stage.training.lora is not None
    assert stage.training.lora.targets == ("q_proj", "v_proj")


def test_training_is_the_same_after_a_file_of_json(tmp_path: Path) -> None:
    said = "3e-4, betas: [0.8, 0.95], report_to: [wandb], lora: {targets: [q_proj, v_proj]}"
    (stage,) = changed(tmp_path, "3e-4", said).stages
    assert Training.model_validate_json(stage.training.model_dump_json()) == stage.training


def test_an_unknown_sampler_gets_the_nearest_backend(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r":2: 'sampler': no backend .* did you mean 'vllm'\?"):
        changed(tmp_path, "base:", "sampler: vlm\nbase:")


def test_stages_are_called_by_their_objective_unless_they_say_otherwise(tmp_path: Path) -> None:
    assert changed(tmp_path, "repeat: 3", "method: mine").stages[0].method == "mine"


@pytest.mark.parametrize("name", [n for n, said in OBJECTIVE.items() if said.startswith("beta")])
def test_a_beta_of_nothing_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(
        SpecError, match=r"objective\.beta': input should be greater than 0, came 0"
    ):
        changed(tmp_path, "{name: sppo, eta: 5}", f"{{name: {name}, beta: 0}}")


def test_kto_weighs_both_kinds_alike_unless_told_otherwise(tmp_path: Path) -> None:
    told = "{name: kto, beta: 1, undesirable_weight: 1.33}"
    settings = changed(tmp_path, "{name: sppo, eta: 5}", told).stages[0].objective.settings
    assert settings == {"beta": 1, "desirable_weight": 1, "undesirable_weight": 1.33}


def test_tuna_may_rank_without_likelihood_and_without_margin(tmp_path: Path) -> None:
    data = "{kind: ranked, demonstrations: a, rank: {by: contextual, judge: j}}"
    text = DOCUMENTED.split("variants")[0].replace("{kind: compared, judge: pairrm}", data)
    text = text.replace("{name: sppo, eta: 5}", "{name: tuna, margin: 0, mle_weight: 0}")
    assert set(reading(tmp_path, text).stages[0].objective.settings.values()) == {0}


@pytest.mark.parametrize("name", ["dpo", "ipo", "kto"])
def test_pairs_in_no_order_are_for_sppo_alone(tmp_path: Path, name: str) -> None:
    paired = DOCUMENTED.replace("judge: pairrm", "judge: pairrm, select: all")
    assert reading(tmp_path, paired).stages[0].data.select == "all"
    with pytest.raises(
        SpecError, match=f"expected the objective 'sppo' with 'select: all'.*{name}"
    ):
        reading(tmp_path, paired.replace("{name: sppo, eta: 5}", f"{{name: {name}, beta: 1}}"))


@pytest.mark.parametrize("name", OBJECTIVE)
@pytest.mark.parametrize("kind", DATA)
def test_an_objective_takes_data_that_have_what_it_reads(
    tmp_path: Path, kind: str, name: str
) -> None:
    text = DOCUMENTED.split("variants")[0]
    text = text.replace("kind: compared, judge: pairrm", f"kind: {kind}, {DATA[kind]}")
    text = text.replace("name: sppo, eta: 5", f"name: {name}, {OBJECTIVE[name]}")
    if name in FIT[kind]:
        assert reading(tmp_path, text).stages[0].objective.name == name
    else:
        with pytest.raises(SpecError, match=f"for the objective '{name}', which the kind"):
            reading(tmp_path, text)


def test_data_that_do_not_fit_are_told_with_what_would(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as raised:
        changed(tmp_path, "{name: sppo, eta: 5}", "{name: tuna, margin: 0.1, mle_weight: 1}")
    assert str(raised.value) == (
        f"{tmp_path / 'x.yaml'}:5: 'stages.0': expected data with candidates and original for the "
        f"objective 'tuna', which the kind ranked has; objectives for 'compared': dpo, ipo, "
        f"ipo_sum, kto, sppo, sppo_hard, sft"
    )


def test_every_kind_of_data_and_every_objective_is_of_use() -> None:
    kinds = {kind.Settings.makes for kind in recipe._kinds()}
    needed = [Criterion(name, {}).needs for name in OBJECTIVES]
    assert all(any(need <= made for made in kinds) for need in needed)
    assert all(any(need <= made for need in needed) for made in kinds)


def test_a_recipe_without_stages_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"'stages': .* at least 1 item"):
        reading(tmp_path, "name: a\nbase: hf:a\nstages: []")


@pytest.mark.parametrize("text", ["", "- a", "just words"])
def test_a_file_without_keys_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(SpecError, match=r"'name', 'base' and 'stages' in .*; the files of"):
        reading(tmp_path, text)


PLANTED = """
from typing import ClassVar, Literal
from pydantic import BaseModel, ConfigDict

class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    makes: ClassVar = frozenset({"chosen", "rejected", "p_chosen", "p_rejected"})
    kind: Literal["planted"]
    words: list[str]
"""


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A kind of data of somebody else's."""
    folder = tmp_path / "kinds"
    folder.mkdir()
    (folder / "planted.py").write_text(PLANTED)
    monkeypatch.setattr(train.data, "__path__", [*train.data.__path__, str(folder)])
    recipe._shape.cache_clear()
    yield
    recipe._shape.cache_clear()
    del sys.modules["train.data.planted"]


@pytest.mark.usefixtures("planted")
def test_a_kind_of_data_is_found_by_its_file(tmp_path: Path) -> None:
    text = DOCUMENTED.replace("compared, judge: pairrm", "planted, words: [a]").split("variants")[0]
    (stage,) = reading(tmp_path, text).stages
    assert (stage.data.kind, stage.data.words) == ("planted", ["a"])


TEXT = st.text("[]{}:,-?&*!|>%@`#'\"\n ab01._", max_size=12)
LINES = DOCUMENTED.splitlines(keepends=True)


@pytest.fixture(scope="module")
def draft(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("recipes") / "x.yaml"


@given(line=st.integers(0, len(LINES) - 1), cut=st.integers(0, 60), text=TEXT)
def test_any_slip_makes_a_recipe_or_one_clear_line(
    draft: Path, line: int, cut: int, text: str
) -> None:
    slipped = [*LINES]
    slipped[line] = slipped[line][:cut] + text + slipped[line][cut:]
    draft.write_text("".join(slipped), encoding="utf-8", newline="")
    try:
        said = read_recipe(draft).name
    except SpecError as error:
        said = str(error)
        assert str(draft) in said
    assert "\n" not in said
