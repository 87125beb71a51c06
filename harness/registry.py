"""Finds benchmarks, judges and backends by file name; adding one registers nothing."""

import pkgutil
from importlib import import_module
from types import ModuleType

from harness.chambers import Chambers, OpenModel
from harness.errors import SpecError, UnknownNameError
from harness.judging import judge_prompt
from harness.models import replay
from harness.names import public
from harness.rows import read_files
from harness.trials.cases import Trial
from harness.types import (
    Assets,
    Benchmark,
    Grader,
    Judge,
    Model,
    ModelOptions,
    Prompt,
    Response,
    Rows,
    Rubric,
)

_SERVERS = {"http": "openai", "https": "openai"}
"""Addresses speak the protocol of the openai backend."""

_PLACES = {
    "benchmark": ("benchmarks", "train.demo.benchmarks"),
    "judge": ("judges", "train.demo.judges"),
}
"""Packages whose files are benchmarks or judges; those of the demonstration are ordinary ones."""


def benchmark(name: str) -> Benchmark:
    """The benchmark of that name, `NAME` or `NAME@VERSION`, or `NAME:REST` where one is made.

    Raises:
        UnknownNameError: No file or no version is called so.
        SpecError: Something follows the name of one that takes nothing, or nothing does.
    """
    stem, colon, rest = name.partition(":")
    if colon:
        return _built(stem, rest)
    stem, at, version = name.partition("@")
    versions = {b.card.version: b for b in _versions(_load("benchmark", stem))}
    if not versions:
        raise SpecError(f"expected '{stem}:' with what it is made of, came '{name}' alone")
    if at and version not in versions:
        raise UnknownNameError(f"version of {stem}", version, versions)
    return versions[version] if at else next(iter(versions.values()))


def _built(stem: str, rest: str) -> Benchmark:
    """What a benchmark's file makes of what follows its name."""
    module = _load("benchmark", stem)
    if not hasattr(module, "build"):
        raise SpecError(f"expected nothing after '{stem}', came ':{rest}'; leave it out")
    made: Benchmark = module.build(rest)
    return made


def benchmarks() -> list[Benchmark]:
    """Every benchmark in every version."""
    return [b for stem in _names("benchmark") for b in _versions(_load("benchmark", stem))]


def trials() -> list[Trial]:
    """Every set of answers with known verdicts: the benchmarks' own, then those of the engine.

    A benchmark that has any lists them as TRIALS in a file `trials` of its folder.
    """
    own = []
    for stem, package in sorted(_found("benchmark").items()):
        folder = getattr(import_module(f"{package}.{stem}"), "__path__", [])
        if any(file.name == "trials" for file in pkgutil.iter_modules(folder)):
            own.append(import_module(f"{package}.{stem}.trials").TRIALS)
    own.append(import_module("harness.trials.hhh").TRIALS)
    return [trial for found in own for trial in found]


def judges() -> list[str]:
    """Names of the kinds of judges."""
    return _names("judge")


def backends() -> list[str]:
    """Schemes that a model name can begin with."""
    files = pkgutil.iter_modules(import_module("harness.models").__path__)
    return sorted({*(file.name for file in files if not file.ispkg), *_SERVERS})


def describe(kind: str, name: str) -> str:
    """The first line of what a judge ("judge") or a backend ("model") says of itself."""
    module = (
        _load(kind, name)
        if kind in _PLACES
        else import_module(f"harness.models.{_SERVERS.get(name, name)}")
    )
    return (module.__doc__ or "").split("\n")[0].rstrip(".:")


def model(name: str, options: ModelOptions, benchmark: Benchmark, assets: Assets) -> Model:
    """The model of that name, `SCHEME:REST`.

    Raises:
        UnknownNameError: No backend answers to the scheme.
    """
    scheme, rest = _scheme(name)
    if scheme == "replay":
        files = read_files(rest, assets)
        return replay.outputs(
            name,
            files,
            lambda rows: benchmark.files.read_outputs(rows, assets),
            partial=options.partial,
        )
    return live(name, options)


def asked_model(
    name: str, options: ModelOptions, benchmark: Benchmark, rubric: Rubric, assets: Assets
) -> Model:
    """The model of that name, for a judge that asks it by the rubric.

    A recording of judgments answers the judge prompts that the rubric asks of their comparisons.

    Raises:
        UnknownNameError: No backend answers to the name.
    """
    scheme, rest = _scheme(name)
    if scheme != "replay":
        return live(name, options)
    files = read_files(rest, assets)
    return replay.judgments(
        name, files, lambda rows: recorded(benchmark, rubric, rows, assets), partial=options.partial
    )


def judge(name: str, grader: Grader, open_model: OpenModel) -> Judge:
    """The judge of that name: a file in judges/ and what follows it, or any model.

    Raises:
        UnknownNameError: Neither a judge nor a backend answers to it.
        SpecError: What follows a judge's name is not what it takes.
    """
    return _made(name, Chambers(grader, open_model, _made))


def check_judge(name: str) -> None:
    """Sees that a judge or a backend answers to the name, before anything is fetched for it.

    Raises:
        UnknownNameError: Neither does.
    """
    kind, _, rest = name.partition(":")
    if kind not in {*judges(), *backends()}:
        models = [f"{scheme}:{rest or 'NAME'}" for scheme in backends()]
        raise UnknownNameError("judge", public(name), [*judges(), *models])


def _made(name: str, chambers: Chambers) -> Judge:
    check_judge(name)
    kind, _, rest = name.partition(":")
    if kind in judges():
        made: Judge = _load("judge", kind).build(rest, chambers)
        return made
    by_rubric: Judge = _load("judge", "llm").build(name, chambers)
    return by_rubric


def recorded(
    benchmark: Benchmark, rubric: Rubric, rows: Rows, assets: Assets
) -> list[tuple[Prompt, Response]]:
    """Judge prompts that published judgments answer, with the answers."""
    return [
        (judge_prompt(rubric, comparison), raw)
        for comparison, raw, _ in benchmark.files.read_judgments(rows, assets)
    ]


def _scheme(name: str) -> tuple[str, str]:
    scheme, colon, rest = name.partition(":")
    if not colon or not rest or scheme not in backends():
        meant = public((rest if colon else scheme) or "NAME")
        raise UnknownNameError("model", public(name), [f"{known}:{meant}" for known in backends()])
    return scheme, rest


def live(name: str, options: ModelOptions) -> Model:
    """The model of that name, which no recording can be: it answers whatever is asked.

    Raises:
        UnknownNameError: No backend answers to the scheme.
    """
    scheme, _ = _scheme(name)
    module = import_module(f"harness.models.{_SERVERS.get(scheme, scheme)}")
    made: Model = module.build(name, options)
    return made


def _versions(module: ModuleType) -> tuple[Benchmark, ...]:
    """None, where a benchmark is made only of what follows its name."""
    only = getattr(module, "BENCHMARK", None)
    versions: tuple[Benchmark, ...] = getattr(module, "VERSIONS", (only,) if only else ())
    return versions


def _load(kind: str, stem: str) -> ModuleType:
    found = _found(kind)
    if stem not in found:
        raise UnknownNameError(kind, stem, found)
    return import_module(f"{found[stem]}.{stem}")


def _names(kind: str) -> list[str]:
    return sorted(_found(kind))


def _found(kind: str) -> dict[str, str]:
    """The package of every file of a kind, by the file's name."""
    return {
        file.name: package
        for package in _PLACES[kind]
        for file in pkgutil.iter_modules(import_module(package).__path__)
    }
