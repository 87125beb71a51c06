"""Writes the generated parts of README.md: `python -m tests.readme`."""

import ast
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from harness import registry
from harness.report.table import Table, to_markdown

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "README.md"
SHOWN = ("run_eval.py", "harness", "benchmarks", "judges", "train", "bench")


def benchmarks() -> str:
    """What can be scored, from the cards."""
    cards = [benchmark.card for benchmark in registry.benchmarks()]
    rows = [
        [f"`{c.label}`", str(c.n_prompts), ", ".join(c.metrics), f"`{c.judge}`", _paper(c.paper)]
        for c in cards
    ]
    columns = ["name", "prompts", "metrics", "official judge", "paper"]
    return _body(to_markdown(Table("", columns, rows, words=5)))


def files() -> str:
    """One line for each source file: the first of its docstring."""
    lines = [line for name in SHOWN for path in _sources(ROOT / name) for line in _lines(path)]
    return "\n".join(("```text", *lines, "```"))


def output(*words: str) -> str:
    """What a command prints."""
    command = [sys.executable, str(ROOT / "run_eval.py"), *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def verified() -> str:
    """Every check of `verify` in one table, without its notes."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "checks.json"
        output("verify", "--json", str(file))
        checks = json.loads(file.read_bytes())["checks"]
    rows = [
        [f"`{c['benchmark']}`", c["claim"], str(c["n"]), _number(c["largest"]), _verdict(c)]
        for c in checks
    ]
    columns = ["benchmark", "what", "n", "largest difference", "verdict"]
    return _body(to_markdown(Table("", columns, rows, words=2)))


CHEAP: dict[str, Callable[[], str]] = {"benchmarks": benchmarks, "files": files}
ALL: dict[str, Callable[[], str]] = {
    **CHEAP,
    "output": lambda: output("score", "examples/alpacafarm.yaml", "-b", "alpaca_eval"),
    "verify": verified,
}


def written(page: str, parts: dict[str, Callable[[], str]]) -> str:
    """The page with some of its generated parts made anew."""
    for name, make in parts.items():
        head, found, rest = page.partition(f"<!-- {name} -->\n")
        if not found:
            raise LookupError(f"expected <!-- {name} --> in the page, found none")
        page = f"{head}{found}\n{make()}\n\n<!-- end -->{rest.partition('<!-- end -->')[2]}"
    return page


def _number(largest: float | None) -> str:
    return "–" if largest is None else f"{largest:.2g}"


def _verdict(check: Mapping[str, Any]) -> str:
    if not check["n"]:
        return "NOT PROVEN"
    return "holds" if check["holds"] else "DIFFERS"


def _paper(arxiv: str) -> str:
    return f"[{arxiv}](https://arxiv.org/abs/{arxiv})"


def _body(markdown: str) -> str:
    return markdown.split("\n\n", 1)[1].strip()


def _sources(path: Path) -> list[Path]:
    return [path] if path.is_file() else sorted(path.rglob("*.py"), key=_folders_last)


def _folders_last(path: Path) -> tuple[str, bool, str]:
    return str(path.parent), path.name != "__init__.py", path.name


def _lines(path: Path) -> list[str]:
    says = (ast.get_docstring(ast.parse(path.read_text())) or "").split("\n")[0].rstrip(".")
    where = path.relative_to(ROOT)
    folder = path.name == "__init__.py"
    shown = f"{where.parent.name}/" if folder else where.name
    indent = "  " * (len(where.parts) - 1 - folder)
    return [f"{indent + shown:<26} {says}"]


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(), ALL))
