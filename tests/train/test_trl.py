"""Losses and updates equal TRL's, where TRL has the objective."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from train.examples import Answer, Example
from train.fit import fit
from train.job import Job
from train.recipe import Training

pytest_plugins = ["tests.tiny.fixtures"]
pytestmark = pytest.mark.usefixtures("own_cache")
PLAIN = "{% for message in messages %}{{ message['content'] }}{% endfor %}"
PROMPTS = ["copy:ab=", "reverse:abc=", "first:b=", "sort:cab="]
CHOSEN = ["ab", "cba", "b", "abc and more"]
REJECTED = ["abab", "a", "", "c"]
P_CHOSEN, P_REJECTED = [0.9, 0.8, 0.6, 0.7], [0.1, 0.3, 0.5, 0.2]
CHOSEN_LOGPS, REJECTED_LOGPS = [-9.0, -14.0, -6.0, -40.0], [-15.0, -7.0, -5.0, -6.0]
"""What is taken for the reference: anything but the policy, so that no term is zero."""
ETA = 5.0


def ours(checkpoint: Path, folder: Path, objective: str, **settings: float) -> list[float]:
    """The losses of three steps over the same four pairs."""
    training = Training(
        learning_rate=1e-3, batch_size=4, micro_batch=4, epochs=3, schedule="constant"
    )
    out, metrics = str(folder / "ours"), str(folder / "metrics.jsonl")
    job = Job(str(checkpoint), out, objective, settings, training, PLAIN, metrics, 1)
    facts = [{"p_chosen": p, "p_rejected": q} for p, q in zip(P_CHOSEN, P_REJECTED, strict=True)]
    rows = zip(PROMPTS, CHOSEN, REJECTED, facts, strict=True)
    job.write(folder / "data", [Example((x,), (Answer(w), Answer(v)), f) for x, w, v, f in rows])
    reference = list(zip(CHOSEN_LOGPS, REJECTED_LOGPS, strict=True))
    (folder / "data" / "reference.json").write_text(json.dumps(reference))
    fit(folder / "data")
    return [
        json.loads(line)["loss"] for line in (folder / "metrics.jsonl").read_text().splitlines()
    ]


def theirs(checkpoint: Path, folder: Path, shift: float = 0.0, **config: Any) -> list[float]:
    """The same of TRL; `shift` is eta where soft SPPO is made of the hard one."""
    import datasets
    from transformers import AutoTokenizer
    from trl import DPOConfig, DPOTrainer

    datasets.disable_progress_bars()
    arguments = DPOConfig(
        output_dir=str(folder / "trl"),
        precompute_ref_log_probs=True,
        bf16=False,
        use_cpu=True,
        gradient_checkpointing=False,
        max_length=None,
        report_to=[],
        save_strategy="no",
        disable_tqdm=True,
        learning_rate=1e-3,
        lr_scheduler_type="constant",
        per_device_train_batch_size=4,
        num_train_epochs=3,
        logging_steps=1,
        dataloader_pin_memory=False,
        **config,
    )
    columns = {"prompt": PROMPTS, "chosen": CHOSEN, "rejected": REJECTED}
    trainer = DPOTrainer(
        model=str(checkpoint),
        args=arguments,
        train_dataset=datasets.Dataset.from_dict(columns),
        processing_class=AutoTokenizer.from_pretrained(checkpoint),
    )

    def referred(_row: Any, at: int) -> dict[str, float]:
        return {
            "ref_chosen_logps": CHOSEN_LOGPS[at] - shift * (1 - P_CHOSEN[at]),
            "ref_rejected_logps": REJECTED_LOGPS[at] + shift * P_REJECTED[at],
        }

    trainer.train_dataset = trainer.train_dataset.map(referred, with_indices=True)
    trainer.train()
    return [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]


@pytest.mark.filterwarnings("ignore")  # upstream's own
@pytest.mark.parametrize(
    ("objective", "settings", "config"),
    [
        ("dpo", {"beta": 0.1}, {"loss_type": ["sigmoid"], "beta": 0.1}),
        ("ipo", {"beta": 0.5}, {"loss_type": ["ipo"], "beta": 0.5}),
        ("sppo_hard", {"eta": ETA}, {"loss_type": ["sppo_hard"], "beta": 1 / ETA}),
        ("sppo", {"eta": ETA}, {"loss_type": ["sppo_hard"], "beta": 1 / ETA, "shift": ETA}),
    ],
)
def test_three_steps_have_the_losses_of_trl(
    checkpoint: Path,
    tmp_path: Path,
    objective: str,
    settings: dict[str, float],
    config: dict[str, Any],
) -> None:
    mine = ours(checkpoint, tmp_path, objective, **settings)
    torch.manual_seed(0)
    assert mine == pytest.approx(theirs(checkpoint, tmp_path, **config), rel=1e-4)
    assert len(set(mine)) == 3
