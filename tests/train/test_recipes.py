"""The papers' recipes: their numbers are the published ones, and all of their variants load."""

import re
from pathlib import Path

import pytest

import train
from harness import registry
from train.data.compared import Settings as Compared
from train.data.demonstrations import Settings as Demonstrations
from train.data.rated import Settings as Rated
from train.prompts import _dataset
from train.recipe import Recipe, Training, read_recipe

FOLDER = Path(train.__path__[0]) / "recipes"
PAPERS = sorted(path for path in FOLDER.glob("*.yaml") if not path.name.startswith("tiny"))
EVERY = [(path, variant) for path in PAPERS for variant in [None, *read_recipe(path).variants]]


def recipe(name: str, variant: str | None = None) -> Recipe:
    return read_recipe(FOLDER / f"{name}.yaml", variant)


def header(path: Path) -> str:
    """The comment that a file begins with."""
    return path.read_text(encoding="utf-8").split("\n\n", 1)[0]


@pytest.mark.parametrize(
    ("path", "variant"), EVERY, ids=lambda value: getattr(value, "stem", value or "plain")
)
def test_every_variant_is_a_recipe_with_its_file_s_name(path: Path, variant: str | None) -> None:
    assert read_recipe(path, variant).name == "-".join(filter(None, [path.stem, variant]))


@pytest.mark.parametrize("path", PAPERS, ids=lambda path: path.stem)
def test_a_recipe_begins_with_its_commands_its_paper_and_its_cost(path: Path) -> None:
    said = header(path)
    assert f"#   run_eval.py train train/recipes/{path.name}\n" in said
    assert re.search(r"arXiv \d{4}\.\d{5}", said)
    assert "# Published" in said
    assert "# Cost" in said


@pytest.mark.parametrize("path", PAPERS, ids=lambda path: path.stem)
def test_commands_name_variants_that_there_are(path: Path) -> None:
    named = re.findall(rf"{path.name} --variant (\S+)", header(path))
    assert named
    assert set(named) <= read_recipe(path).variants.keys()


@pytest.mark.parametrize("path", PAPERS, ids=lambda path: path.stem)
def test_what_is_held_out_is_a_benchmark(path: Path) -> None:
    names = read_recipe(path).held_out
    assert names
    assert all(registry.benchmark(name) for name in names)


PREFERENCES = ["sppo-mistral-7b", "sppo-llama-3-8b", "dpo-mistral-7b", "ipo-mistral-7b"]


@pytest.mark.parametrize("name", PREFERENCES)
def test_pairs_are_drawn_and_trained_on_as_sppo_s_paper_says(name: str) -> None:
    """Section 5.1: K = 5, T = 1, top_p = 1; 5e-7, warm-up 0.1 of 18 epochs, batches of 64."""
    (stage,) = recipe(name).stages
    data: Compared = stage.data
    training = stage.training
    assert stage.repeat == 3
    assert (data.judge, data.samples, data.temperature, data.top_p) == ("pairrm", 5, 1.0, 1.0)
    assert (training.learning_rate, training.schedule, training.warmup) == (5e-7, "linear", 0.1)
    assert (training.epochs, training.schedule_epochs, training.batch_size) == (1, 18, 64)


@pytest.mark.parametrize("name", PREFERENCES)
def test_pairs_are_drawn_and_trained_on_as_sppo_s_code_does(name: str) -> None:
    """T = 0.7, top_p = 0.9, 2048 tokens; a schedule of 1 epoch, RMSprop, 1024 and 512 tokens."""
    (stage,) = recipe(name, "released").stages
    data: Compared = stage.data
    training = stage.training
    assert (data.temperature, data.top_p, data.max_tokens) == (0.7, 0.9, 2048)
    assert (training.schedule_epochs, training.optimizer) == (1, "rmsprop")
    assert (training.max_length, training.max_prompt_length) == (1024, 512)


@pytest.mark.parametrize("name", PREFERENCES)
def test_prompts_are_ultrafeedback_s_three_splits(name: str) -> None:
    prompts = recipe(name).prompts
    assert prompts is not None
    dataset = _dataset(prompts.source)
    assert dataset.name == "snorkelai/Snorkel-Mistral-PairRM-DPO-Dataset"
    assert dataset.split == "train_iteration_1+train_iteration_2+train_iteration_3"
    assert re.fullmatch("[0-9a-f]{40}", dataset.revision)
    assert prompts.parts == 3


@pytest.mark.parametrize(
    ("name", "base"),
    [
        ("sppo-mistral-7b", "hf:mistralai/Mistral-7B-Instruct-v0.2"),
        ("dpo-mistral-7b", "hf:mistralai/Mistral-7B-Instruct-v0.2"),
        ("ipo-mistral-7b", "hf:mistralai/Mistral-7B-Instruct-v0.2"),
        ("sppo-llama-3-8b", "hf:meta-llama/Meta-Llama-3-8B-Instruct"),
    ],
)
def test_bases_are_the_papers(name: str, base: str) -> None:
    assert recipe(name).base == base


@pytest.mark.parametrize(
    ("name", "objective", "settings"),
    [
        ("sppo-mistral-7b", "sppo", {"eta": 1000}),  # 1 / 0.001
        ("sppo-llama-3-8b", "sppo", {"eta": 1000}),
        ("dpo-mistral-7b", "dpo", {"beta": 0.01}),
        ("ipo-mistral-7b", "ipo_sum", {"beta": 0.01}),
    ],
)
def test_objectives_have_their_settings(
    name: str, objective: str, settings: dict[str, float]
) -> None:
    (stage,) = recipe(name).stages
    assert (stage.objective.name, stage.objective.settings) == (objective, settings)
    assert stage.method == name.split("-", maxsplit=1)[0]


@pytest.mark.parametrize("name", ["sppo-mistral-7b", "sppo-llama-3-8b"])
def test_win_probabilities_are_the_paper_s_and_the_code_s(name: str) -> None:
    estimates = [recipe(name, v).stages[0].data.win_probability for v in (None, "released")]
    assert estimates == ["paper", "released"]


@pytest.mark.parametrize("name", ["dpo-mistral-7b", "ipo-mistral-7b"])
def test_beta_can_be_searched_for_by_variants(name: str) -> None:
    assert recipe(name, "beta-0.1").stages[0].objective.settings == {"beta": 0.1}


def rates(training: Training) -> tuple[float, float, str, int, float]:
    return (
        training.learning_rate,
        training.final_learning_rate,
        training.schedule,
        training.batch_size,
        training.dropout,
    )


def test_self_rewarding_trains_as_its_paper_says() -> None:
    """5.5e-6 to 1.1e-6 by cosine, then 1e-6 to 1e-7; batches of 16, dropout 0.1, beta 0.1."""
    tuned, judging, *turns = recipe("self-rewarding-70b").stages
    assert (tuned.data.kind, judging.data.kind) == ("demonstrations", "judgments")
    for stage in (tuned, judging):
        assert stage.objective.name == "sft"
        assert rates(stage.training) == (5.5e-6, 1.1e-6, "cosine", 16, 0.1)
    for stage in turns:
        assert (stage.objective.name, stage.objective.settings) == ("dpo", {"beta": 0.1})
        assert rates(stage.training) == (1e-6, 1e-7, "linear", 16, 0.1)


def test_self_rewarding_is_called_as_it_is_trained() -> None:
    methods = [stage.method for stage in recipe("self-rewarding-70b").stages]
    assert methods == ["sft", "eft", "dpo", "dpo"]


def test_self_rewarding_rates_as_its_paper_says() -> None:
    """N = 4 at T = 0.7 and top_p = 0.9, judged three times; prompts at T = 0.6 and top_p = 0.9."""
    for stage in recipe("self-rewarding-70b").stages[2:]:
        data: Rated = stage.data
        assert (data.samples, data.temperature, data.top_p, data.judgments) == (4, 0.7, 0.9, 3)
        assert data.judge == "additive:self"
        assert data.generate is not None
        assert (data.generate.temperature, data.generate.top_p) == (0.6, 0.9)


def test_self_rewarding_writes_other_prompts_in_each_turn() -> None:
    written = [stage.data.generate for stage in recipe("self-rewarding-70b").stages[2:]]
    assert [one.seed for one in written] == [1, 2]
    assert len({one.model for one in written}) == 1


def test_the_public_remake_of_self_rewarding_falls_linearly() -> None:
    *tuned, third, fourth = recipe("self-rewarding-70b", "lucidrains").stages
    assert {rates(stage.training) for stage in tuned} == {(5.5e-6, 1.1e-6, "linear", 16, 0.1)}
    assert [third, fourth] == recipe("self-rewarding-70b").stages[2:]


def test_tuna_trains_as_its_paper_says() -> None:
    """SFT at 2e-5, then one epoch of ranking at 1e-5 twice; AdamW .9/.999, m = .1, lambda = 1."""
    tuned, *ranked = recipe("tuna-llama-7b").stages
    assert (tuned.objective.name, tuned.training.learning_rate) == ("sft", 2e-5)
    for stage in ranked:
        assert stage.objective.name == "tuna"
        assert stage.objective.settings == {"margin": 0.1, "mle_weight": 1.0}
        assert (stage.training.learning_rate, stage.training.epochs) == (1e-5, 1)
        assert (stage.training.optimizer, stage.training.betas) == ("adamw", (0.9, 0.999))


def test_tuna_ranks_as_its_paper_says() -> None:
    """N = 4 at T = 1; beta = 1.3 for the teacher, ROUGE-L below 0.8 for the judge."""
    first, second = (stage.data for stage in recipe("tuna-llama-7b").stages[1:])
    assert [(data.samples, data.temperature) for data in (first, second)] == [(4, 1.0)] * 2
    assert (first.rank.by, first.rank.beta) == ("probabilistic", 1.3)
    assert (second.rank.by, second.rank.similarity) == ("contextual", 0.8)


def test_tuna_s_judge_ranks_prompts_of_its_own() -> None:
    sft, first, second = recipe("tuna-llama-7b").stages
    assert (sft.prompts, first.prompts) == (None, None)
    assert second.prompts is not None
    assert second.prompts.source == second.data.demonstrations


def test_tuna_s_code_has_a_lower_rate_in_its_second_ranking() -> None:
    """1e-6, where the paper repeats 1e-5; both warm up in 2 steps of 406 and of 102."""
    _, first, second = (stage.training for stage in recipe("tuna-llama-7b", "released").stages)
    assert (first.learning_rate, second.learning_rate) == (1e-5, 1e-6)
    assert [round(first.warmup * 52_000 / 128), round(second.warmup * 13_000 / 128)] == [2, 2]
    assert (second.schedule, second.max_length, second.weight_decay) == ("cosine", 512, 0.0)


def test_c_rlft_trains_as_openchat_s_paper_says() -> None:
    """5 epochs of 4,096 tokens, AdamW .9/.95/1e-5, decay 0.1, cosine from 6.7e-5 to a tenth."""
    (stage,) = recipe("c-rlft-llama-2-13b").stages
    training = stage.training
    assert (stage.objective.name, stage.objective.settings) == ("c_rlft", {})
    assert rates(training)[:3] == (6.7e-5, 6.7e-6, "cosine")
    assert (training.epochs, training.max_length) == (5, 4096)
    assert (training.optimizer, training.betas, training.epsilon) == ("adamw", (0.9, 0.95), 1e-5)
    assert training.weight_decay == 0.1
    assert abs(training.batch_size * 4096 - 200_000) < 4096


def test_c_rlft_s_rate_is_that_of_its_batch() -> None:
    assert round(3e-4 * (200_000 / 4_000_000) ** 0.5, 6) == 6.7e-5


def test_c_rlft_weighs_experts_ten_to_one_and_tells_the_class() -> None:
    data: Demonstrations = recipe("c-rlft-llama-2-13b").stages[0].data
    assert [(source.class_, source.weight) for source in data.sources] == [
        ("GPT4", 1.0),
        ("GPT3", 0.1),
    ]


def test_c_rlft_s_code_warms_up() -> None:
    (plain,) = recipe("c-rlft-llama-2-13b").stages
    (released,) = recipe("c-rlft-llama-2-13b", "released").stages
    assert (plain.training.warmup, released.training.warmup) == (0.0, 0.05)
    assert released.training.max_grad_norm == 1.0
