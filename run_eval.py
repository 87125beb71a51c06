#!/usr/bin/env python3
"""The command line of iterbench: options and help only; the work is in harness/commands/."""

import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import click

_PATH = click.Path(path_type=Path)
_assets = click.option("--assets", type=_PATH, help="Folder of official files, looked in first.")
_FILE = click.Path(dir_okay=False, path_type=Path)


def _writable(_context: click.Context, _option: click.Parameter, path: Path | None) -> Path | None:
    if path is None:
        return None
    if not path.name:
        raise click.BadParameter("expected the name of a file, came nothing")
    from harness.report.save import foresee

    foresee(path)
    return path


_json = click.option(
    "--json", type=_FILE, callback=_writable, help="Also write what is printed as data."
)
_store = click.option(
    "--store", type=_PATH, default=Path("results/store.sqlite"), show_default=True
)
_out = click.option("--out", type=_PATH, default=Path("results"), show_default=True)
_by = click.option("--by", metavar="FILE", help="Classes of prompts, as `classify` writes them.")
_until = click.option(
    "--until-decided", is_flag=True, help="Judge block by block, no further than decides it."
)
_items = click.option("--items", is_flag=True, help="With --json: every item's id, value, cause.")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="iterbench")
def cli() -> None:
    """Score every checkpoint of an alignment run, and believe the numbers.

    \b
    Example:
      run_eval.py score examples/alpacafarm.yaml -b alpaca_eval
    """


_RUN_OPTIONS = [
    click.argument("what", nargs=-1, required=True, metavar="SERIES.yaml | MODEL…"),
    click.option("-j", "--judge", help="A judge or a model, instead of the official judge."),
    click.option("--limit", type=click.IntRange(min=1), help="Use so many prompts, evenly spread."),
    click.option("--max-tokens", type=click.IntRange(min=1), help="Longest response."),
    click.option("--temperature", type=click.FloatRange(0, 2), help="0 is greedy."),
    click.option("--top-p", type=click.FloatRange(0, 1, min_open=True), help="Nucleus sampling."),
    click.option("--dry-run", is_flag=True, help="Show what would be asked and paid, and stop."),
    click.option("--budget", type=click.FloatRange(min=0), help="Most USD the run may cost."),
    click.option("--batch", is_flag=True, help="Ask by batch: half the price, within a day."),
    click.option("--partial", is_flag=True, help="Let recordings lack answers; they are unread."),
    click.option("--concurrency", type=click.IntRange(min=1), default=64, show_default=True),
    click.option("--batch-size", type=click.IntRange(min=1), default=16, show_default=True),
    click.option("--chat-template", help="fastchat:NAME, for checkpoints that ship none."),
    click.option("--dtype", default="auto", show_default=True, help="Of hf: models."),
    click.option("--trust-remote-code", is_flag=True, help="Let code inside a checkpoint run."),
    _store,
    _out,
    _items,
    _assets,
    _json,
]


def _run_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options of the commands that ask checkpoints and a judge."""
    for option in reversed(_RUN_OPTIONS):
        command = option(command)
    return command


def _run_fields(given: dict[str, Any]) -> dict[str, Any]:
    """What was given to such a command as the fields of its request."""
    from harness.types import ModelOptions

    decoding = {key: given.pop(key) for key in ("max_tokens", "temperature", "top_p")}
    options = {field.name: given.pop(field.name) for field in fields(ModelOptions)}
    return {**given, "decoding": decoding, "options": ModelOptions(**options)}


@cli.command()
@click.option("-b", "--benchmarks", required=True, help="Names, separated by commas.")
@click.option("--baseline", help="A model to compare with, instead of the published baseline.")
@click.option("--judgments", help="Judgments already paid for, by the official judge: imported.")
@click.option("--gold-judge", metavar="JUDGE", help="A better judge, asked about a few prompts.")
@click.option("--gold-n", type=click.IntRange(min=10), default=100, show_default=True)
@_until
@click.option("--canary", is_flag=True, help="Ask the judge 30 pinned verdicts before and after.")
@_by
@click.option(
    "--show-prompts",
    is_flag=True,
    help="Print the first prompt of each kind, as the model is shown it.",
)
@_run_options
def score(benchmarks: str, assets: Path | None, json: Path | None, **given: Any) -> None:
    """Score checkpoints on benchmarks, to a table and a report of what changed.

    A MODEL is hf:PATH_OR_ID, openai:NAME, anthropic:NAME, http://HOST:PORT/v1#NAME (any
    OpenAI-compatible server) or replay:FILE (published outputs). A SERIES.yaml lists several.

    \b
    Examples:
      run_eval.py score examples/alpacafarm.yaml -b alpaca_eval
      run_eval.py score hf:./iter1 hf:./iter2 -b alpaca_eval -j openai:gpt-4.1 --dry-run
    """
    from harness.commands.asked import ScoreRequest
    from harness.commands.score import score as run
    from harness.commands.setting import Setting

    names = list(dict.fromkeys(filter(None, map(str.strip, benchmarks.split(",")))))
    run(ScoreRequest(benchmarks=names, **_run_fields(given)), Setting(assets, json))


@cli.command()
@click.option(
    "-b",
    "--benchmark",
    required=True,
    help="Whose prompts and rubric are used; or a FILE of prompts.",
)
@click.option(
    "--rubric",
    default="alpaca_eval",
    show_default=True,
    help="The benchmark whose rubric judges a FILE's prompts.",
)
@click.option(
    "--ties",
    type=click.Choice(["mean", "half", "drop"]),
    default="mean",
    show_default=True,
    help="A prompt adds its mean preference, or 1, 0, a tie half; or ties are left out.",
)
@_until
@_run_options
def compare(
    benchmark: str, rubric: str, assets: Path | None, json: Path | None, **given: Any
) -> None:
    """Compare checkpoints with each other, every pair in both orders, to a matrix.

    A MODEL is as for `score`; the benchmark's own baseline takes no part. A FILE is JSON or JSON
    lines with a "prompt" or an "instruction" in each row. A tie is where the two orders disagree.

    \b
    Examples:
      run_eval.py compare hf:./iter1 hf:./iter2 hf:./iter3 -b alpaca_eval -j openai:gpt-4.1
      run_eval.py compare hf:./iter1 hf:./iter2 -b prompts.jsonl -j openai:gpt-4.1
    """
    from harness.commands.compare import CompareRequest
    from harness.commands.compare import compare as run
    from harness.commands.prompts import is_file
    from harness.commands.setting import Setting

    name = benchmark.strip()
    asking = rubric if is_file(name) else None
    request = CompareRequest(benchmark=name, rubric=asking, **_run_fields(given))
    run(request, Setting(assets, json))


@cli.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN…")
@click.option("--out", type=_PATH, help="Where the report goes, instead of the first run's folder.")
@_by
@click.option("--gold", metavar="JUDGE", help="The judge whose word is taken for the truth.")
@click.option(
    "--embeddings",
    metavar="MODEL",
    help="hf:PATH_OR_ID, an encoder or a checkpoint, to draw prompts and answers in 2-D.",
)
@_assets
@_json
def report(
    runs: tuple[str, ...],
    out: Path | None,
    by: str | None,
    gold: str | None,
    embeddings: str | None,
    assets: Path | None,
    json: Path | None,
) -> None:
    """Tell what changed from checkpoint to checkpoint, from saved runs: offline.

    A RUN is a folder that `score` or `compare` wrote. Several are of one series, under several
    judges say; the matches of `compare` become the game that the checkpoints play.

    \b
    Example:
      run_eval.py report results/sppo-1a2b3c4d results/sppo-5e6f7a8b
    """
    from harness.commands.report import report as run
    from harness.commands.setting import Setting

    run(runs, Setting(assets, json), out=out, by=by, gold=gold, embeddings=embeddings)


@cli.command()
@click.argument("recipe", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--variant", help="One of the recipe's variants.")
@click.option("--concurrency", type=click.IntRange(min=1), default=64, show_default=True)
@click.option("--batch-size", type=click.IntRange(min=1), default=64, show_default=True)
@click.option("--trust-remote-code", is_flag=True, help="Let code inside a checkpoint run.")
@_store
@_out
@_assets
@_json
def train(
    recipe: Path,
    variant: str | None,
    store: Path,
    out: Path,
    assets: Path | None,
    json: Path | None,
    **options: Any,
) -> None:
    """Make the checkpoints of a recipe, and a series file that `score` takes.

    A run that was stopped goes on when the same command is given again. The recipes of the papers
    are in train/recipes/.

    \b
    Example:
      run_eval.py train train/recipes/sppo-mistral-7b.yaml --variant released
    """
    from harness.commands.setting import Setting
    from harness.types import ModelOptions
    from train.loop import TrainRequest
    from train.loop import train as run

    request = TrainRequest(
        recipe=recipe, variant=variant, options=ModelOptions(**options), store=store, out=out
    )
    run(request, Setting(assets, json))


@cli.command("train-judge")
@click.argument("pairs")
@click.option("--out", type=_PATH, required=True, help="A new folder: pairrm:OUT is the judge.")
@click.option(
    "--base", default="tiny", show_default=True, help="A DeBERTa v2/v3: folder or hub ID."
)
@click.option("--epochs", type=click.FloatRange(min=0, min_open=True), default=3, show_default=True)
@click.option("--learning-rate", type=click.FloatRange(min=0, min_open=True), help="The highest.")
@click.option("--batch-size", type=click.IntRange(min=1), default=32, show_default=True)
@click.option(
    "--held-out",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.1,
    show_default=True,
    help="Share of the prompts to be tried with.",
)
@click.option("--seed", type=int, default=0, show_default=True)
@_json
def train_judge(pairs: str, out: Path, json: Path | None, **options: Any) -> None:
    """Teach a pair ranker from labelled comparisons, and tell how often it is right about others.

    PAIRS is a JSON or JSON lines file with prompt, chosen and rejected in each row, or a folder of
    such files. Prompts that are held out are for telling, never for learning.

    \b
    Example:
      run_eval.py train-judge pairs.jsonl --out judge
    """
    from harness.commands.setting import Setting
    from train.judge import train_judge as run
    from train.pair_ranker import Lessons

    run(pairs, out, Lessons(**options), Setting(None, json))


@cli.command()
@click.option("--quick", is_flag=True, help="One iteration of one method, in about a minute.")
@click.option("--processes", type=click.IntRange(min=1), default=2, show_default=True)
@_out
def demo(out: Path, processes: int, *, quick: bool) -> None:
    """Train three iterations of tiny models, score all, and write the report: offline, on a CPU.

    \b
    Example:
      run_eval.py demo --quick
    """
    from harness.commands.setting import Setting
    from train.demo.tour import Tour

    folder = (out / ("demo-quick" if quick else "demo")).absolute()
    Tour(folder, quick, processes, Setting()).run()


@cli.command()
@click.argument("benchmark")
@click.option("--judgments", help="A file, a folder of files, or asset:NAME.")
@click.option("--outputs", help="Answers instead, where no judge is needed: task, id, response.")
@_items
@_by
@_assets
@_json
def rescore(
    benchmark: str,
    judgments: str | None,
    outputs: str | None,
    by: str | None,
    assets: Path | None,
    json: Path | None,
    *,
    items: bool,
) -> None:
    """Score judgments, or answers, that are already there; no model is called.

    \b
    Examples:
      run_eval.py rescore alpaca_eval --judgments results/my-model/annotations.json
      run_eval.py rescore lmentry --outputs answers.jsonl
    """
    from harness.commands.rescore import rescore as run
    from harness.commands.rescore_outputs import rescore_outputs
    from harness.commands.setting import Setting

    if judgments and not outputs:
        run(benchmark, judgments, Setting(assets, json), items=items, by=by)
    elif outputs and not judgments:
        rescore_outputs(benchmark, outputs, Setting(assets, json), items=items, by=by)
    else:
        raise click.UsageError("expected either --judgments or --outputs; name one of them")


@cli.command()
@click.argument("benchmark")
@click.option("-j", "--judge", required=True, help="The model that is asked.")
@click.option("--out", "file", type=_FILE, required=True, help="Where the classes are written.")
@click.option("--limit", type=click.IntRange(min=1), help="Use so many prompts, evenly spread.")
@click.option("--concurrency", type=click.IntRange(min=1), default=64, show_default=True)
@_store
@_assets
@_json
def classify(
    benchmark: str,
    judge: str,
    file: Path,
    limit: int | None,
    concurrency: int,
    store: Path,
    assets: Path | None,
    json: Path | None,
) -> None:
    """Put a benchmark's prompts into classes, by which `score --by FILE` breaks results down.

    The judge names each prompt's category, complexity and expected length.

    \b
    Example:
      run_eval.py classify alpaca_eval -j openai:gpt-4.1 --out classes.jsonl
    """
    from harness.commands.classify import ClassifyRequest
    from harness.commands.classify import classify as run
    from harness.commands.setting import Setting
    from harness.types import ModelOptions

    request = ClassifyRequest(
        benchmark=benchmark,
        judge=judge,
        file=file,
        limit=limit,
        options=ModelOptions(concurrency=concurrency),
        store=store,
    )
    run(request, Setting(assets, json))


@cli.command()
@click.argument("benchmark", required=False)
@_assets
@_json
def verify(benchmark: str | None, assets: Path | None, json: Path | None) -> None:
    """Recompute published numbers from published judgments, offline.

    Exits 1 when a check does not hold.

    \b
    Example:
      run_eval.py verify alpaca_eval
    """
    from harness.commands.setting import Setting
    from harness.commands.verify import verify as run

    if not run(benchmark, Setting(assets, json)):
        click.get_current_context().exit(1)


@cli.command()
@click.argument("run_a", type=_PATH)
@click.argument("run_b", type=_PATH)
@_json
def diff(run_a: Path, run_b: Path, json: Path | None) -> None:
    """Show what differs between two runs: what decided their scores, the scores, the prompts.

    A run is the folder that `score` wrote, or a file of scores.

    \b
    Example:
      run_eval.py diff results/my-run-1a2b3c4d results/my-run-5e6f7a8b
    """
    from harness.commands.diff import diff as run
    from harness.commands.setting import Setting

    run(run_a, run_b, Setting(None, json))


@cli.command()
@click.argument("run", required=False, type=_PATH)
@click.option("--out", "file", type=_FILE, callback=_writable, help="The bundle; RUN.tar.gz.")
@click.option("--with-assets", is_flag=True, help="Pack the official files too, not only hashes.")
@click.option(
    "--open", "opened", type=_PATH, help="A bundle, or the folder of one, to score again."
)
@click.option("--into", type=_PATH, help="The empty folder that a bundle is unpacked into.")
@_store
@_assets
@_json
def bundle(
    run: Path | None,
    file: Path | None,
    opened: Path | None,
    into: Path | None,
    store: Path,
    assets: Path | None,
    json: Path | None,
    *,
    with_assets: bool,
) -> None:
    """Pack a run into one file, from which another machine scores it again, bit for bit.

    A bundle holds the answers, the judgments, the series and who the models were: to open it takes
    neither weights nor keys. Exits 1 when a bundle that is opened gives other scores.

    \b
    Examples:
      run_eval.py bundle results/my-run
      run_eval.py bundle --open my-run.tar.gz --into my-run
    """
    from harness.commands import bundle as command
    from harness.commands.setting import Setting

    if (run is None) == (opened is None):
        raise click.UsageError("expected a run to pack, or a bundle to --open")
    setting = Setting(assets, json)
    if run is not None:
        command.pack(run, store, file, setting, assets=with_assets)
    elif opened is not None and not command.unpack(opened, into, setting):
        click.get_current_context().exit(1)


@cli.command()
@click.argument("name", required=False, metavar="[PAPER[:TABLE]]")
@click.option("--runs", type=_PATH, multiple=True, help="A run's folder, or one of several runs.")
@click.option("--as", "named", multiple=True, help="CHECKPOINT=ROW, or a YAML file of such lines.")
@click.option("--pull", is_flag=True, help="Download published judgments that are not here.")
@click.option("--latex", type=_FILE, callback=_writable, help="Also write the tables as LaTeX.")
@_assets
@_json
def reproduce(
    name: str | None,
    runs: tuple[Path, ...],
    named: tuple[str, ...],
    latex: Path | None,
    assets: Path | None,
    json: Path | None,
    *,
    pull: bool,
) -> None:
    """Show the papers' tables, each number beside a measured one, with a ruling.

    Numbers are measured by your runs, by published judgments, and by published leaderboards.
    Without a name, all tables are listed.

    \b
    Examples:
      run_eval.py reproduce sppo:table2
      run_eval.py reproduce sppo --runs results/my-run --as iter3="Mistral-7B-SPPO Iter3"
    """
    from harness.commands.reproduce import ReproduceRequest
    from harness.commands.reproduce import reproduce as run
    from harness.commands.setting import Setting

    request = ReproduceRequest(name=name, runs=runs, named=named, pull=pull, latex=latex)
    run(request, Setting(assets, json))


@cli.command("judge-eval")
@click.option("-j", "--judge", required=True, help="Any judge's or model's name.")
@click.option("--data", multiple=True, help="Known verdicts: a name, or a file of people's labels.")
@click.option("--rubric", default="alpaca_eval", show_default=True, help="Whose asks about files.")
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True)
@click.option("--attack", is_flag=True, help="Also what answers made for the judge win.")
@click.option("--dry-run", is_flag=True, help="Show what would be asked and paid, and stop.")
@click.option("--partial", is_flag=True, help="Let recordings lack answers; they are unread.")
@click.option("--concurrency", type=click.IntRange(min=1), default=64, show_default=True)
@click.option("--batch-size", type=click.IntRange(min=1), default=16, show_default=True)
@click.option("--chat-template", help="fastchat:NAME, for checkpoints that ship none.")
@click.option("--dtype", default="auto", show_default=True, help="Of hf: models.")
@click.option("--trust-remote-code", is_flag=True, help="Let code inside a checkpoint run.")
@_store
@_out
@_assets
@_json
def judge_eval(
    judge: str,
    data: tuple[str, ...],
    rubric: str,
    limit: int,
    store: Path,
    out: Path,
    assets: Path | None,
    json: Path | None,
    *,
    attack: bool,
    dry_run: bool,
    **options: Any,
) -> None:
    """Try a judge on answers whose verdicts are known, to one table and a figure.

    Published judgments of official judges, and people's choices. A file of labels of your own has
    rows {"prompt", "responses", "ranks"} or {"prompt", "a", "b", "preference"}. The --limit is of
    prompts, for each set of data.

    \b
    Example:
      run_eval.py judge-eval -j openai:gpt-4.1 --data alpaca_eval@2.0 --data hhh --dry-run
    """
    from harness.commands.judge_eval import JudgeEvalRequest
    from harness.commands.judge_eval import judge_eval as run
    from harness.commands.setting import Setting
    from harness.types import ModelOptions

    request = JudgeEvalRequest(
        judge=judge,
        data=data,
        rubric=rubric,
        limit=limit,
        attack=attack,
        options=ModelOptions(**options),
        store=store,
        out=out,
        dry_run=dry_run,
    )
    run(request, Setting(assets, json))


@cli.command("list")
@_json
def list_names(json: Path | None) -> None:
    """Print the benchmarks, judges and models that can be named.

    \b
    Example:
      run_eval.py list
    """
    from harness.commands.catalogue import show_names
    from harness.commands.setting import Setting

    show_names(Setting(None, json))


@cli.command()
@click.argument("action", type=click.Choice(["list", "pull", "verify"]))
@click.argument("names", nargs=-1)
@_assets
@_json
def assets(action: str, names: tuple[str, ...], assets: Path | None, json: Path | None) -> None:
    """List, download or check the official files.

    NAMES are files or the beginnings of their names; without any, `pull` takes what the benchmarks
    run on. A mirror folder is named by --assets or by the variable ITERBENCH_ASSETS.

    \b
    Example:
      run_eval.py assets pull alpaca_eval/annotations/
    """
    from harness.commands import catalogue
    from harness.commands.setting import Setting

    setting = Setting(assets, json)
    if action == "list":
        catalogue.show_assets(setting)
    elif action == "pull":
        catalogue.pull_assets(names, setting)
    elif not catalogue.verify_assets(names, setting):
        click.get_current_context().exit(1)


@cli.command()
@_assets
@_json
def doctor(assets: Path | None, json: Path | None) -> None:
    """Tell what is installed, reachable and missing, and what to do about it.

    \b
    Example:
      run_eval.py doctor
    """
    from harness.commands.doctor import doctor as run
    from harness.commands.setting import Setting

    run(Setting(assets, json))


_BROKEN_PIPE = 141  # what a shell gives a program whose reader has left


def _report(line: str) -> None:
    from harness.report.table import plain

    print(plain(line), file=sys.stderr)  # noqa: T201 - the one place that reports errors


def main() -> int:
    """Exit status: 0 done, 1 a check did not hold, 2 the request was wrong, 130 Ctrl-C."""
    from harness.errors import HarnessError

    try:
        return cli.main(standalone_mode=False) or 0
    except click.ClickException as error:
        error.show()
    except HarnessError as error:
        _report(f"error: {error}")
    except ModuleNotFoundError as error:
        _report(
            f"error: expected the package '{error.name}', which this command needs, it is not "
            f"installed; `run_eval.py doctor` says what to install"
        )
    except (BrokenPipeError, SystemExit):  # rich makes the second of the first
        return _BROKEN_PIPE
    except OSError as error:
        _report(f"error: expected to read or write {error.filename or 'the output'}, but {error}")
    except (KeyboardInterrupt, click.Abort):
        _report("stopped; what arrived is stored: run the same command to go on")
        return 130
    return 2


if __name__ == "__main__":
    sys.exit(main())
