"""`doctor`: what is installed, reachable and missing, and what to do about it."""

import os
import platform
import shutil
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from harness import registry
from harness.commands.setting import Setting
from harness.report.table import Table, to_data

EXTRAS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "hf": (("torch", "transformers", "accelerate"), "checkpoints in this process (hf:)"),
    "vllm": (("vllm",), "checkpoints on a GPU, fast (vllm:)"),
    "train": (("datasets", "peft"), "checkpoints of your own (train, demo)"),
    "figures": (("matplotlib",), "curves in the demonstration's report"),
    "anthropic": (("anthropic",), "Claude (anthropic:)"),
    "openai": (("openai",), "the reference client that our wire format is tested against"),
    "fastchat": (("fschat",), "templates for checkpoints that ship none (--chat-template)"),
    "lm-eval": (("lm-eval",), "Open LLM Leaderboard, nlp9, AGIEval, lm_eval:TASK"),
    "alpaca-eval": (("alpaca-eval",), "the incumbent, as the oracle of `make bench`"),
}
"""Extras of the distribution: what they install and what for."""

_KEYS = {"OPENAI_API_KEY": "openai:", "ANTHROPIC_API_KEY": "anthropic:"}
_ROOM = 5e9


def doctor(setting: Setting) -> None:
    """Prints versions, devices, keys, official files and disk. It changes and calls nothing."""
    rows = [*_versions(), *_device(), *_keys(), *_assets(setting), *_disk()]
    table = Table("What this machine has", ["what", "found", "for"], rows, words=3)
    setting.show([table])
    setting.keep({"findings": to_data(table)})


def _versions() -> list[list[str]]:
    ours = [["Python", platform.python_version(), "everything"]]
    extras = [_extra(name, packages, use) for name, (packages, use) in EXTRAS.items()]
    return ours + extras


def _extra(name: str, packages: tuple[str, ...], use: str) -> list[str]:
    try:
        found = ", ".join(f"{package} {version(package)}" for package in packages)
    except PackageNotFoundError:
        found = f"no: pip install 'iterbench[{name}]'"
    return [f"extra {name}", found, use]


def _device() -> list[list[str]]:
    try:
        import torch
    except ImportError:
        return [["device", f"CPU, {os.cpu_count()} cores", "hf: needs the hf extra"]]
    names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return [["device", ", ".join(names) or f"CPU, {os.cpu_count()} cores", "hf:"]]


def _keys() -> list[list[str]]:
    return [
        [key, "set" if os.environ.get(key) else f"no: export {key}=…", use]
        for key, use in _KEYS.items()
    ]


def _assets(setting: Setting) -> list[list[str]]:
    library = setting.library()
    return [
        [
            f"files of {b.card.label}",
            _count(sum(map(library.has, b.card.assets)), len(b.card.assets)),
            f"-b {b.card.label}",
        ]
        for b in registry.benchmarks()
    ]


def _count(here: int, needed: int) -> str:
    remedy = "" if here == needed else "; for the others: run_eval.py assets pull"
    return f"{here} of {needed}{remedy}"


def _disk() -> list[list[str]]:
    free = shutil.disk_usage(Path.cwd()).free
    word = "" if free > _ROOM else ", little: checkpoints and answers need room"
    return [["free disk", f"{free / 1e9:.0f} GB{word}", "results/"]]
