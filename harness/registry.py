"""Finds benchmarks, judges and backends by file name; adding one registers nothing."""

import pkgutil
from importlib import import_module
from types import ModuleType

from harness.errors import UnknownNameError
from harness.judging import judge_prompt
from harness.models import replay
from harness.names import public
from harness.rows import read_files
from harness.types import (
    Assets,
    Benchmark,
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


def benchmark(name: str) -> Benchmark:
    """The benchmark of that name, `NAME` or `NAME@VERSION`.

    Raises:
        UnknownNameError: No file or no version is called so.
    """
    stem, at, version = name.partition("@")
    versions = {b.card.version: b for b in _versions(_load("benchmarks", stem, "benchmark"))}
    if at and version not in versions:
        raise UnknownNameError(f"version of {stem}", version, versions)
    return versions[version] if at else next(iter(versions.values()))


def benchmarks() -> list[Benchmark]:
    """Every benchmark in every version."""
    return [
        b for stem in _names("benchmarks") for b in _versions(import_module(f"benchmarks.{stem}"))
    ]


def judges() -> list[str]:
    """Names of the kinds of judges."""
    return _names("judges")


def backends() -> list[str]:
    """Schemes that a model name can begin with."""
    files = pkgutil.iter_modules(import_module("harness.models").__path__)
    return sorted({*(file.name for file in files if not file.ispkg), *_SERVERS})


def describe(kind: str, name: str) -> str:
    """The first line of what a judge ("judges") or a backend ("models") says of itself."""
    package = {"judges": "judges", "models": "harness.models"}[kind]
    module = import_module(f"{package}.{_SERVERS.get(name, name)}")
    return (module.__doc__ or "").split("\n")[0].rstrip(".:")


def model(name: str, options: ModelOptions, benchmark: Benchmark, assets: Assets) -> Model:
    """The model of that name, `SCHEME:REST`.

    Raises:
        UnknownNameError: No backend answers to the scheme.
    """
    scheme, rest = _scheme(name)
    if scheme == "replay":
        files = read_files(rest, assets)
        return replay.outputs(name, files, benchmark.files.read_outputs, partial=options.partial)
    return _build(scheme, name, options)


def judge_model(name: str, options: ModelOptions, benchmark: Benchmark, assets: Assets) -> Model:
    """The model that a judge asks; a recording answers by the judge prompts it was asked."""
    scheme, rest = _scheme(name)
    if scheme != "replay":
        return _build(scheme, name, options)
    rubric = benchmark.rubric(assets)
    files = read_files(rest, assets)
    return replay.judgments(
        name, files, lambda rows: recorded(benchmark, rubric, rows), partial=options.partial
    )


def judge(name: str, rubric: Rubric, model: Model) -> Judge:
    """The judge of that name: a file in judges/, or any model asked by the rubric."""
    scheme = name.partition(":")[0]
    kind = scheme if scheme in _names("judges") else "llm"
    made: Judge = import_module(f"judges.{kind}").build(rubric, model)
    return made


def recorded(benchmark: Benchmark, rubric: Rubric, rows: Rows) -> list[tuple[Prompt, Response]]:
    """Judge prompts that published judgments answer, with the answers."""
    return [
        (judge_prompt(rubric, comparison), raw)
        for comparison, raw, _ in benchmark.files.read_judgments(rows)
    ]


def _scheme(name: str) -> tuple[str, str]:
    scheme, colon, rest = name.partition(":")
    if not colon or not rest or scheme not in backends():
        meant = public((rest if colon else scheme) or "NAME")
        raise UnknownNameError("model", public(name), [f"{known}:{meant}" for known in backends()])
    return scheme, rest


def _build(scheme: str, name: str, options: ModelOptions) -> Model:
    module = import_module(f"harness.models.{_SERVERS.get(scheme, scheme)}")
    made: Model = module.build(name, options)
    return made


def _versions(module: ModuleType) -> tuple[Benchmark, ...]:
    versions: tuple[Benchmark, ...] = getattr(module, "VERSIONS", None) or (module.BENCHMARK,)
    return versions


def _load(package: str, stem: str, kind: str) -> ModuleType:
    if stem not in _names(package):
        raise UnknownNameError(kind, stem, _names(package))
    return import_module(f"{package}.{stem}")


def _names(package: str) -> list[str]:
    return sorted(found.name for found in pkgutil.iter_modules(import_module(package).__path__))
