"""TensorBoard and Weights & Biases: each iteration is a run of its own to them.

One process trains several iterations, whose steps each count from 1.
"""

from pathlib import Path

from transformers import Trainer
from transformers.integrations.integration_utils import TensorBoardCallback

from train.recipe import Training


def settle(trainer: Trainer, folder: Path) -> None:
    """Gives TensorBoard a place in a training's folder; its own would go with the states."""
    for listener in trainer.callback_handler.callbacks:
        if isinstance(listener, TensorBoardCallback):
            listener.logging_dir = str(folder / "tensorboard")


def dismiss(training: Training) -> None:
    """Ends the run of Weights & Biases, which the next training would go on with."""
    if "wandb" in training.report_to:
        import wandb

        wandb.finish()
