"""What an installed iterbench takes along."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("harness", "benchmarks", "judges", "train")


def packed() -> set[Path]:
    """The files that the packages declare as data."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    folders = {package: ROOT / package.replace(".", "/") for package in declared["package-data"]}
    return {
        file
        for package, globs in declared["package-data"].items()
        for glob in globs
        for file in folders[package].glob(glob)
    }


def test_every_file_that_is_no_code_is_packed() -> None:
    files = {
        file
        for package in PACKAGES
        for file in (ROOT / package).rglob("*")
        if file.is_file() and file.suffix not in {".py", ".pyc"}
    }
    assert len(files) > 10
    assert files - packed() == set()
