"""One iteration's training: from a checkpoint and examples to the next checkpoint.

One small Trainer serves every objective. TRL's trainers would serve DPO, IPO, KTO and hard SPPO;
soft SPPO only with shifted reference log-probabilities, whose logged rewards are then wrong; Tuna,
C-RLFT and the paper's IPO not at all. So four trainers and two subclasses stand against the one
method below, which computes a shared prompt once besides. That the losses equal TRL's is tested.
transformers and accelerate do what they do well: optimisers, sharding, mixed precision, states to
resume from, TensorBoard and Weights & Biases.

A training is a folder, so that it can be taken up again, and by other processes::

    job.json            what to do
    examples.jsonl      what to train on
    reference.json      log-probabilities under the reference, once they are computed
    states/             where a killed training goes on
    tensorboard/        what TensorBoard shows, if the recipe reports to it

As a program, for `accelerate launch`: `python -m train.fit FOLDER`.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from shutil import rmtree
from typing import Any

import torch
from accelerate.utils import gather_object
from safetensors import SafetensorError
from torch import Tensor
from torch.optim.lr_scheduler import LambdaLR
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments
from transformers.trainer import TRAINING_ARGS_NAME

from harness.errors import DataError, HarnessError, ModelError
from harness.models.local.loading import draw_no_bars
from harness.models.serving.failures import one_line
from train.arguments import arguments, check_installed
from train.criterion import Criterion, Seen
from train.figures import add_line, figures, means
from train.forward import Batch, Layout, collate, response_logps, together
from train.job import Job, read_examples, read_job
from train.listeners import dismiss, settle
from train.order import order, pace
from train.policy import choose_layout, policy
from train.reference import Logps, keep, known, refer
from train.rows import Row, open_writer
from train.states import newest, seal


def tell(line: str) -> None:
    """Says a line to whoever started this program."""
    sys.stderr.write(f"{line}\n")


def fit(
    folder: Path,
    callbacks: Sequence[TrainerCallback] = (),
    say: Callable[[str], None] = tell,
) -> None:
    """Trains as the folder's job says, from where it was stopped if it was.

    Args:
        folder: That a job was written to.
        callbacks: See each step.
        say: Tells the user what is done again, and why.

    Raises:
        DataError: The base or the examples are not what the objective needs, or the disk is full.
        ModelError: The loss is no number, or the base has no chat template.
        SpecError: What the training needs is not installed.
    """
    job = read_job(folder)
    if Path(job.out).is_dir():
        return
    check_installed(job.training)
    draw_no_bars()
    criterion = Criterion(job.objective, job.settings)
    writer = open_writer(Path(job.base), job.chat_template, job.training)
    rows = writer.rows(read_examples(folder))
    criterion.check_rows(rows)
    trainer = Fit(job, criterion, rows, policy(Path(job.base), job.training), folder)
    trainer.remove_callback(PrinterCallback)
    for callback in callbacks:
        trainer.add_callback(callback)
    settle(trainer, folder)
    with _writing(folder):
        trainer.train(resume_from_checkpoint=newest(folder / "states", say))
        trainer.keep(writer.tokenizer)
        rmtree(folder / "states", ignore_errors=True)
    dismiss(job.training)


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Names the cause when a state or a checkpoint cannot be written."""
    try:
        yield
    except (OSError, SafetensorError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "PytorchStreamWriter" not in str(error):
            raise
        raise DataError(
            f"expected to write the state and the result of the training in {folder}, but "
            f"{one_line(str(error))}; make room, then run the same command: it goes on"
        ) from error


class Fit(Trainer):
    """transformers' Trainer with the loss of any objective."""

    def __init__(
        self, job: Job, criterion: Criterion, rows: Sequence[Row], network: Any, folder: Path
    ) -> None:
        self.job, self.criterion, self.rows, self.folder = job, criterion, rows, folder
        self.layout: Layout = together
        self.reference: Logps | None = None
        self._figures: list[dict[str, float]] = []
        training = job.training
        n = training.steps * training.batch_size if training.steps else None
        n = n or max(1, round(training.epochs * len(rows)))
        sizes = [row.size for row in rows]
        planned = order(sizes, batch_size=training.batch_size, rows=n, seed=training.seed)
        asked = arguments(training, folder / "states", len(planned), run_name=_run_name(job))
        super().__init__(
            network,
            asked,
            data_collator=self._batch,
            train_dataset=planned + _fillers(len(planned), asked),
            callbacks=[_Begin(self)],
        )
        self.loss_is_scaled_for_ga = True

    def prepare(self) -> None:
        """What must be known before the first step: the layout, and the reference."""
        network = self.model_wrapped
        network.eval()
        with torch.no_grad(), self.compute_loss_context_manager():
            self.layout = choose_layout(network, self.rows)
            if self.criterion.needs_reference:
                self.reference = self._reference(network)
        network.train()

    def _reference(self, network: Any) -> Logps:
        """What is known of the reference, or the network says with the weights it begins with.

        Raises:
            DataError: It was lost since, and the weights have moved.
        """
        kept = self.folder / "reference.json"
        found = known(kept, self.rows)
        if found is None and self.state.global_step:
            raise DataError(
                f"expected in {kept} what the reference says of {len(self.rows)} rows, came "
                f"something else; remove {self.folder / 'states'}: the same command then begins "
                f"the iteration anew"
            )
        if found is None:
            found = refer(network, self.rows, self.layout, at_once=self.job.training.micro_batch)
            keep(kept, found)
        return found

    def _batch(self, indexes: Sequence[int]) -> dict[str, Batch]:
        rows = [self.rows[index] for index in indexes]
        said = self.reference and [self.reference[index] for index in indexes]
        counted_B = torch.tensor([float(index != _FILLER) for index in indexes])
        return {"batch": replace(collate(rows, said, self.layout), counted_B=counted_B)}

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,  # noqa: FBT001, FBT002, ARG002 - upstream's signature
        num_items_in_batch: Any = None,
    ) -> Tensor:
        """The step's part that these rows make up."""
        batch = inputs["batch"]
        seen = Seen(batch, response_logps(model, batch))
        loss = self.criterion.losses(seen).sum() / num_items_in_batch
        if not loss.isfinite():
            raise ModelError(
                f"expected a loss that is a number at step {self.state.global_step + 1} of "
                f"iteration {self.job.iteration}, came {loss.item()}; lower learning_rate, or "
                f"check the data in {self.folder}; earlier iterations are kept"
            )
        beta = self.criterion.beta if self.criterion.needs_reference else None
        self._figures.append(figures(seen, beta=beta))
        # Processes average their gradients, and the divisor counts the rows of all of them.
        whole: Tensor = loss * self.accelerator.num_processes
        return whole

    def _get_num_items_in_batch(self, batch_samples: list[Any], device: Any) -> Tensor:
        shares = [self.criterion.share(inputs["batch"]).sum() for inputs in batch_samples]
        total: Tensor = self.accelerator.gather(torch.stack(shares).sum().to(device)).sum()
        return total.clamp(min=torch.finfo(total.dtype).tiny)  # rows may all weigh nothing

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
        """The rate that the job asks for; its schedule may be longer than the training."""
        training = self.job.training
        epochs = training.schedule_epochs
        steps = epochs * len(self.rows) / training.batch_size if epochs else num_training_steps
        floor = training.final_learning_rate / training.learning_rate
        factor = pace(training.schedule, steps=steps, warmup=training.warmup, floor=floor)
        moved: Any = optimizer or self.optimizer
        self.lr_scheduler = LambdaLR(moved, factor)
        return self.lr_scheduler

    def floating_point_ops(self, inputs: Any) -> int:  # noqa: ARG002 - upstream's signature
        """Not counted."""
        return 0

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Adds the step's figures to whatever listens, and to the job's file."""
        logs |= means(gather_object(self._figures))
        self._figures = []
        super().log(logs, start_time)
        if "loss" in logs and self.job.metrics and self.accelerator.is_main_process:
            line = {"iteration": self.job.iteration, "step": self.state.global_step} | logs
            add_line(Path(self.job.metrics), line)

    def keep(self, tokenizer: Any) -> None:
        """Writes the new checkpoint, whole or not at all."""
        out = Path(self.job.out)
        partial = out.with_name(f"{out.name}.partial")
        is_main = self.accelerator.is_main_process
        if is_main:
            rmtree(partial, ignore_errors=True)
        self.accelerator.wait_for_everyone()
        network = self.accelerator.unwrap_model(self.model)
        # The loss of a step is seen before the step is taken: nobody has seen the last one's work.
        if not all(weight.isfinite().all() for weight in network.parameters()):
            raise ModelError(
                f"expected weights that are numbers after iteration {self.job.iteration}, came "
                f"others from the last step; lower learning_rate; earlier iterations are kept"
            )
        if self.job.training.lora:
            network.merge_and_unload().save_pretrained(partial, is_main_process=is_main)
        else:
            self.save_model(str(partial))
        if is_main:
            # Upstream's own pickle of its arguments: nobody reads it, and pickles run code.
            (partial / TRAINING_ARGS_NAME).unlink(missing_ok=True)
            tokenizer.save_pretrained(partial)
            partial.rename(out)


class _Begin(TrainerCallback):
    """Prepares a training once its network is where it will be trained; seals its states."""

    def __init__(self, trainer: Fit) -> None:
        self._trainer = trainer

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        self._trainer.prepare()

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        seal(self._trainer.folder / "states", state.global_step)


def _run_name(job: Job) -> str:
    """What listeners call the training: the run's folder, and the iteration."""
    return "/".join(Path(job.out).absolute().parts[-2:])


_FILLER = -1


def _fillers(rows: int, asked: TrainingArguments) -> list[int]:
    """What makes the last step's parts of all processes alike.

    accelerate would repeat examples that were trained on before.
    """
    world = asked.world_size
    part = asked.per_device_train_batch_size * world
    return [_FILLER] * (-rows % part) if world > 1 else []


def main(folder: str) -> int:
    """Trains a folder; exit status 2, and one line, if that cannot be."""
    try:
        fit(Path(folder))
    except HarnessError as error:
        tell(f"error: {error}")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
