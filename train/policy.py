"""The network that is trained: read from a checkpoint, made ready to be moved, and tried."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, GenerationConfig, set_seed

from harness.errors import SpecError
from harness.models.local.loading import Checkpoint, read_network, resolve_dtype
from harness.models.serving.failures import one_line
from train.forward import Layout, apart, collate, response_logps, together
from train.recipe import Lora, Training
from train.rows import Row


def policy(base: Path, training: Training) -> Any:
    """The network of a checkpoint, with low-rank updates if the training moves only these.

    Raises:
        SpecError: It has no layers that the updates are for.
    """
    dtype = resolve_dtype(training.dtype) if training.lora else "float32"
    network = read_network(Checkpoint(base, "", dtype), **_dropouts(base, training.dropout))
    _make_writable(network)
    if training.lora is None:
        return network
    set_seed(training.seed)  # half of each update begins at random
    return _with_updates(network, training.lora, base)


def choose_layout(network: Any, rows: Sequence[Row]) -> Layout:
    """`together`, if the network reads several responses behind one prompt as it reads each alone.

    Attention over a fixed window, or that takes no mask of its own, does not; the row with the
    longest prompt and response shows it.
    """
    longest = [max(rows, key=lambda row: len(row.prompt) + max(map(len, row.responses)))]
    if len(longest[0].responses) == 1:
        return together
    alone_B_R = response_logps(network, collate(longest, layout=apart).to(network.device))
    try:
        shared_B_R = response_logps(network, collate(longest).to(network.device))
    except (TypeError, ValueError, RuntimeError):  # what a mask of four dimensions meets
        return apart
    alike = torch.allclose(shared_B_R, alone_B_R, rtol=1e-3, atol=1e-2)
    return together if alike else apart


def _with_updates(network: Any, lora: Lora, base: Path) -> Any:
    from peft import LoraConfig, get_peft_model

    targets = lora.targets if isinstance(lora.targets, str) else list(lora.targets)
    scale: Any = lora.alpha  # a number of any kind
    config = LoraConfig(
        r=lora.r,
        lora_alpha=scale,
        lora_dropout=lora.dropout,
        target_modules=targets,
        task_type="CAUSAL_LM",
    )
    try:
        return get_peft_model(network, config)
    except ValueError as error:
        raise SpecError(
            f"expected lora targets that {base} has, came {lora.targets}: "
            f"{one_line(str(error))}; 'all-linear' suits every network"
        ) from error


def _dropouts(base: Path, rate: float) -> dict[str, float]:
    """Every rate of dropout that config.json may name, set to one."""
    names = AutoConfig.from_pretrained(base).to_dict()
    return {name: rate for name in names if name.endswith(("dropout", "pdrop", "dropout_prob"))}


def _make_writable(network: Any) -> None:
    """Drops flags of generation that transformers ignores, and refuses to save after a training."""
    said = network.generation_config
    try:
        said.validate(strict=True)
    except ValueError:
        tokens = ("bos_token_id", "eos_token_id", "pad_token_id")
        network.generation_config = GenerationConfig.from_dict(
            {key: getattr(said, key) for key in tokens}
        )
