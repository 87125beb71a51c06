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

As a program, for `accelerate launch`: `python -m train.fit FOLDER`.
"""

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from shutil import rmtree
from typing import Any

import torch
from accelerate.utils import gather_object
from safetensors import SafetensorError
from torch import Tensor
from torch.optim.lr_scheduler import LambdaLR
from transformers import (
    AutoConfig,
    GenerationConfig,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    set_seed,
)
from transformers.integrations.integration_utils import get_available_reporting_integrations

from harness.errors import DataError, HarnessError, ModelError, SpecError
from harness.files import write_whole
from harness.models.local import templates
from harness.models.local.loading import (
    Checkpoint,
    draw_no_bars,
    load_tokenizer,
    read_network,
    resolve_dtype,
    stop_ids,
)
from harness.models.local.templates import Shipped
from harness.models.local.weights import check, fingerprint
from harness.models.serving.failures import one_line
from train.criterion import Criterion, Seen
from train.examples import Answer, Example
from train.forward import Batch, Layout, apart, collate, response_logps, together
from train.order import order, pace
from train.recipe import Training
from train.rows import Row, Writer, end_token


@dataclass(frozen=True)
class Job:
    """What one iteration's training is to do."""

    base: str
    """Folder of the checkpoint that it begins with, and that is its reference."""
    out: str
    """Folder that the new checkpoint is written to; it appears when it is complete."""
    objective: str
    settings: Mapping[str, float]
    """The objective's."""
    training: Training
    chat_template: str | None = None
    """A Jinja template that takes the place of the base's."""
    metrics: str | None = None
    """File of JSON lines that the steps' figures are added to."""
    iteration: int = 0

    def write(self, folder: Path, examples: Sequence[Example]) -> None:
        """Writes the job and its examples; it is there when `job.json` is."""
        folder.mkdir(parents=True, exist_ok=True)
        lines = [json.dumps(asdict(example)) + "\n" for example in examples]
        write_whole(folder / "examples.jsonl", "".join(lines).encode())
        content = vars(self) | {"training": self.training.model_dump(mode="json")}
        write_whole(folder / "job.json", (json.dumps(content, indent=1) + "\n").encode())


def read_job(folder: Path) -> Job:
    """The job of a folder that `Job.write` wrote."""
    content = json.loads((folder / "job.json").read_bytes())
    training = Training.model_validate_json(json.dumps(content.pop("training")))
    return Job(**content, training=training)


def read_examples(folder: Path) -> list[Example]:
    """The examples of such a folder."""
    lines = (folder / "examples.jsonl").read_text().splitlines()
    return [_example(json.loads(line)) for line in lines]


def _example(content: dict[str, Any]) -> Example:
    responses = tuple(Answer(*response) for response in content.pop("responses"))
    said = tuple(content.pop("said"))
    return Example(said=said, responses=responses, **content)


def fit(folder: Path, callbacks: Sequence[TrainerCallback] = ()) -> None:
    """Trains as the folder's job says, from where it was stopped if it was.

    Raises:
        DataError: The base or the examples are not what the objective needs, or the disk is full.
        ModelError: The loss is no number, or the base has no chat template.
    """
    job = read_job(folder)
    if Path(job.out).is_dir():
        return
    draw_no_bars()
    criterion = Criterion(job.objective, job.settings)
    writer = _writer(job)
    rows = writer.rows(read_examples(folder))
    criterion.check_rows(rows)
    trainer = Fit(job, criterion, rows, _load(job), folder)
    trainer.remove_callback(PrinterCallback)
    for callback in callbacks:
        trainer.add_callback(callback)
    with _writing(folder):
        trainer.train(resume_from_checkpoint=_newest(folder / "states"))
        trainer.keep(writer.tokenizer)
        rmtree(folder / "states", ignore_errors=True)


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


def _newest(states: Path) -> str | None:
    """The last state that was written whole; its record of steps is written last."""
    whole = [file.parent for file in states.glob("checkpoint-*/trainer_state.json") if _reads(file)]
    return str(max(whole, key=_step)) if whole else None


def _step(state: Path) -> int:
    return int(state.name.rpartition("-")[2])


def _reads(file: Path) -> bool:
    try:
        return bool(json.loads(file.read_bytes()))
    except ValueError:  # killed while it was written
        return False


def _writer(job: Job) -> Writer:
    folder = Path(job.base)
    check(folder)
    checkpoint = Checkpoint(folder, fingerprint(folder), "float32")
    tokenizer = load_tokenizer(checkpoint)
    template = Shipped(job.chat_template) if job.chat_template else templates.choose(folder, None)
    if not isinstance(template, Shipped):
        raise ModelError(f"expected a chat template in Jinja in {folder}, came {template.digest}")
    tokenizer.chat_template = template.text
    end = end_token(template, tokenizer, stop_ids(checkpoint, tokenizer))
    sizes = job.training.max_length, job.training.max_prompt_length
    return Writer(tokenizer, template, end, *sizes)


def _load(job: Job) -> Any:
    training = job.training
    dtype = resolve_dtype(training.dtype) if training.lora else "float32"
    checkpoint = Checkpoint(Path(job.base), "", dtype)
    network = read_network(checkpoint, **_dropouts(checkpoint.folder, training.dropout))
    _make_writable(network)
    if training.lora is None:
        return network
    from peft import LoraConfig, get_peft_model

    lora = training.lora
    targets = lora.targets if isinstance(lora.targets, str) else list(lora.targets)
    scale: Any = lora.alpha  # a number of any kind
    config = LoraConfig(
        r=lora.r,
        lora_alpha=scale,
        lora_dropout=lora.dropout,
        target_modules=targets,
        task_type="CAUSAL_LM",
    )
    set_seed(training.seed)  # half of each update begins at random
    try:
        return get_peft_model(network, config)
    except ValueError as error:
        raise SpecError(
            f"expected lora targets that {job.base} has, came {lora.targets}: "
            f"{one_line(str(error))}; 'all-linear' suits every network"
        ) from error


def _dropouts(folder: Path, rate: float) -> dict[str, float]:
    """Every rate of dropout that config.json may name, set to one."""
    names = AutoConfig.from_pretrained(folder).to_dict()
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


def _layout(network: Any, rows: Sequence[Row]) -> Layout:
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


class Fit(Trainer):
    """transformers' Trainer with the loss of any objective."""

    def __init__(
        self, job: Job, criterion: Criterion, rows: Sequence[Row], network: Any, folder: Path
    ) -> None:
        self.job, self.criterion, self.rows, self.folder = job, criterion, rows, folder
        self.layout: Layout = together
        self.reference: list[list[float]] | None = None
        self._figures: list[dict[str, float]] = []
        training = job.training
        n = training.steps * training.batch_size if training.steps else None
        n = n or max(1, round(training.epochs * len(rows)))
        sizes = [row.size for row in rows]
        planned = order(sizes, batch_size=training.batch_size, rows=n, seed=training.seed)
        arguments = _arguments(training, folder / "states", len(planned))
        super().__init__(
            network,
            arguments,
            data_collator=self._batch,
            train_dataset=planned + _fillers(len(planned), arguments),
            callbacks=[_Begin(self)],
        )
        self.loss_is_scaled_for_ga = True

    def prepare(self) -> None:
        """What must be known before the first step: the layout, and the reference."""
        network = self.model_wrapped
        network.eval()
        with torch.no_grad(), self.compute_loss_context_manager():
            self.layout = _layout(network, self.rows)
            if self.criterion.needs_reference:
                self.reference = self._refer(network)
        network.train()

    def _refer(self, network: Any) -> list[list[float]]:
        """Log-probabilities of all responses under the weights that the training begins with."""
        kept = self.folder / "reference.json"
        if kept.is_file():
            known: list[list[float]] = json.loads(kept.read_bytes())
            return known
        size, rank = self.job.training.micro_batch, self.accelerator.process_index
        found: dict[int, list[float]] = {}
        indexes = sorted(range(len(self.rows)), key=lambda one: self.rows[one].size)
        chunks = [indexes[at : at + size] for at in range(0, len(indexes), size)]
        # Every process makes as many passes as the others: sharded weights wait for all of them.
        turns = -(-len(chunks) // self.accelerator.num_processes)
        for turn in range(turns):
            chunk = chunks[(turn * self.accelerator.num_processes + rank) % len(chunks)]
            batch = collate([self.rows[one] for one in chunk], layout=self.layout)
            logps_B_R = response_logps(network, batch.to(self.args.device))
            found.update(zip(chunk, logps_B_R.tolist(), strict=True))
        shared = gather_object([found])
        every = {index: logps for part in shared for index, logps in part.items()}
        reference = [every[index] for index in range(len(self.rows))]
        if self.accelerator.is_main_process:
            write_whole(kept, json.dumps(reference).encode())
        return reference

    def _batch(self, indexes: Sequence[int]) -> dict[str, Batch]:
        rows = [self.rows[index] for index in indexes]
        known = self.reference and [self.reference[index] for index in indexes]
        counted_B = torch.tensor([float(index != _FILLER) for index in indexes])
        return {"batch": replace(collate(rows, known, self.layout), counted_B=counted_B)}

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
        self._figures.append(figures(seen, reference=self.criterion.needs_reference))
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
            tokenizer.save_pretrained(partial)
            partial.rename(out)


class _Begin(TrainerCallback):
    """Prepares a training once its network is where it will be trained; keeps its last state."""

    def __init__(self, trainer: Fit) -> None:
        self._trainer = trainer

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        self._trainer.prepare()

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        for older in self._trainer.folder.glob("states/checkpoint-*"):
            if _step(older) < state.global_step:
                rmtree(older, ignore_errors=True)


def add_line(file: Path, line: Mapping[str, Any]) -> None:
    """Adds a JSON line; one that was cut before it, by a kill or a full disk, is taken away."""
    with file.open("ab+") as stream:
        stream.seek(0)
        stream.truncate(stream.read().rfind(b"\n") + 1)
        stream.write(json.dumps(line).encode() + b"\n")


def figures(seen: Seen, *, reference: bool) -> dict[str, float]:
    """What is told of a forward pass: log-ratios in nats, lengths in tokens, and of how many rows.

    All but `rows` are sums over the rows that count.
    """
    counted_B = seen.batch.counted_B

    def total(value_B: Tensor) -> float:
        return (value_B * counted_B).sum().item()

    lengths_B_R = seen.batch.lengths_B_R
    told = {"rows": counted_B.sum().item(), "length_chosen": total(lengths_B_R[:, 0])}
    if not reference:
        return told
    ratio_B_R = seen.ratio_B_R.detach()
    return told | {
        "length_rejected": total(lengths_B_R[:, 1]),
        "log_ratio_chosen": total(ratio_B_R[:, 0]),
        "log_ratio_rejected": total(ratio_B_R[:, 1]),
        "accuracy": total((ratio_B_R[:, 0] > ratio_B_R[:, 1]).float()),
        "kl": -total(ratio_B_R.mean(1)),
    }


def means(figures: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean of each figure over the rows of all forward passes."""
    rows = sum(one["rows"] for one in figures)
    names = [name for name in figures[0] if name != "rows"] if figures else []
    return {name: sum(one[name] for one in figures) / rows for name in names}


_FILLER = -1


def _fillers(rows: int, arguments: TrainingArguments) -> list[int]:
    """What makes the last step's parts of all processes alike.

    accelerate would repeat examples that were trained on before.
    """
    world = arguments.world_size
    part = arguments.per_device_train_batch_size * world
    return [_FILLER] * (-rows % part) if world > 1 else []


def _reporters() -> list[str]:
    """Integrations of transformers that are installed."""
    available: Any = get_available_reporting_integrations
    names: list[str] = available()
    return names


def _arguments(training: Training, states: Path, rows: int) -> TrainingArguments:
    """The settings in transformers' words, nothing left to its defaults that moves weights."""
    on_gpu = torch.cuda.is_available()
    world = int(os.environ.get("WORLD_SIZE", "1"))
    micro = min(training.micro_batch, max(1, training.batch_size // world))
    passes, left = divmod(training.batch_size, micro * world)
    if left:
        raise SpecError(
            f"expected a batch_size that is a multiple of micro_batch times {world} processes, "
            f"came {training.batch_size} with {micro}; change one of them"
        )
    absent = [name for name in training.report_to if name not in _reporters()]
    if absent:
        raise SpecError(
            f"expected {absent[0]} to be installed, which report_to names; "
            f"pip install {absent[0]}, or leave it out"
        )
    arguments = TrainingArguments(
        output_dir=str(states),
        max_steps=-(-rows // training.batch_size),
        per_device_train_batch_size=micro,
        gradient_accumulation_steps=passes,
        learning_rate=training.learning_rate,
        optim={"adamw": "adamw_torch", "rmsprop": "rmsprop"}[training.optimizer],
        adam_beta1=training.betas[0],
        adam_beta2=training.betas[1],
        adam_epsilon=training.epsilon,
        optim_args=f"eps={training.epsilon}" if training.optimizer == "rmsprop" else None,
        weight_decay=training.weight_decay,
        max_grad_norm=training.max_grad_norm,
        bf16=resolve_dtype(training.dtype) == "bfloat16",
        fp16=resolve_dtype(training.dtype) == "float16",
        use_cpu=not on_gpu,
        dataloader_pin_memory=on_gpu,
        gradient_checkpointing=training.gradient_checkpointing,
        train_sampling_strategy="sequential",
        seed=training.seed,
        save_strategy="steps" if training.save_every else "no",
        save_steps=training.save_every or 500,
        logging_steps=1,
        logging_nan_inf_filter=False,
        disable_tqdm=True,
        report_to=list(training.report_to),
        remove_unused_columns=False,
        label_names=[],
        average_tokens_across_devices=False,
        ddp_find_unused_parameters=False,
    )
    # Several GPUs are for `launch`: without it, transformers would give each a batch of its own.
    arguments._n_gpu = min(arguments.n_gpu, 1)  # noqa: SLF001 - there is no public way
    return arguments


def main(folder: str) -> int:
    """Trains a folder; exit status 2, and one line, if that cannot be."""
    try:
        fit(Path(folder))
    except HarnessError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
