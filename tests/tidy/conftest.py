from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def tree() -> list[Path]:
    """Every file of the project: what git knows or would add, or all of an unpacked archive."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        folders = ("src", "tests", "docs", "tools", "requirements", "benchmarks", "examples")
        return [path for name in folders for path in (ROOT / name).rglob("*") if path.is_file()]
    command = [git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


@pytest.fixture(scope="session")
def python_files(tree: list[Path]) -> list[Path]:
    return [path for path in tree if path.suffix == ".py"]
