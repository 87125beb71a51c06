"""A recipe's settings in transformers' words, nothing left to its defaults that moves weights."""

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from transformers import TrainingArguments
from transformers.integrations.integration_utils import get_available_reporting_integrations

from harness.errors import SpecError
from harness.models.local.loading import resolve_dtype
from train.recipe import Training


def arguments(training: Training, states: Path, rows: int, *, run_name: str) -> TrainingArguments:
    """The arguments of a training on so many rows, over all epochs.

    Raises:
        SpecError: A batch does not divide among the processes.
    """
    made = TrainingArguments(
        output_dir=str(states),
        run_name=run_name,
        max_steps=-(-rows // training.batch_size),
        learning_rate=training.learning_rate,
        weight_decay=training.weight_decay,
        max_grad_norm=training.max_grad_norm,
        gradient_checkpointing=training.gradient_checkpointing,
        seed=training.seed,
        save_strategy="steps" if training.save_every else "no",
        save_steps=training.save_every or 500,
        report_to=list(training.report_to),
        **_passes(training),
        **_optimizer(training),
        **_precision(training),
        **_QUIET,
        **_OURS,
    )
    # Several GPUs are for `launch`: without it, transformers would give each a batch of its own.
    made._n_gpu = min(made.n_gpu, 1)  # noqa: SLF001 - there is no public way
    return made


_QUIET: dict[str, Any] = {
    "logging_steps": 1,
    "logging_nan_inf_filter": False,
    "disable_tqdm": True,
}
_OURS: dict[str, Any] = {
    "train_sampling_strategy": "sequential",  # the order is that of train/order.py
    "remove_unused_columns": False,
    "label_names": [],
    "average_tokens_across_devices": False,  # what a loss is divided by is the criterion's
    "ddp_find_unused_parameters": False,
}


def check_installed(training: Training) -> None:
    """Sees that what trains low-rank updates, and what is to see every step, is installed.

    Raises:
        SpecError: It is not.
    """
    if training.lora and not find_spec("peft"):
        raise SpecError(
            "expected peft to be installed, which lora needs; pip install 'iterbench[train]', or "
            "leave lora out"
        )
    available: Any = get_available_reporting_integrations
    absent = [name for name in training.report_to if name not in available()]
    if absent:
        raise SpecError(
            f"expected {absent[0]} to be installed, which report_to names; "
            f"pip install {absent[0]}, or leave it out"
        )


def _passes(training: Training) -> dict[str, Any]:
    """How an optimiser step is cut into passes through the network, on each process."""
    world = int(os.environ.get("WORLD_SIZE", "1"))
    micro = min(training.micro_batch, max(1, training.batch_size // world))
    passes, left = divmod(training.batch_size, micro * world)
    if left:
        raise SpecError(
            f"expected a batch_size that is a multiple of micro_batch times {world} processes, "
            f"came {training.batch_size} with {micro}; change one of them"
        )
    return {"per_device_train_batch_size": micro, "gradient_accumulation_steps": passes}


def _optimizer(training: Training) -> dict[str, Any]:
    adam = {
        "optim": "adamw_torch",
        "adam_beta1": training.betas[0],
        "adam_beta2": training.betas[1],
        "adam_epsilon": training.epsilon,
    }
    rmsprop = {"optim": "rmsprop", "optim_args": f"eps={training.epsilon}"}
    known: dict[str, dict[str, Any]] = {"adamw": adam, "rmsprop": rmsprop}
    return known[training.optimizer]


def _precision(training: Training) -> dict[str, Any]:
    on_gpu, dtype = torch.cuda.is_available(), resolve_dtype(training.dtype)
    return {
        "bf16": dtype == "bfloat16",
        "fp16": dtype == "float16",
        "use_cpu": not on_gpu,
        "dataloader_pin_memory": on_gpu,
    }
