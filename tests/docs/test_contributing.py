"""Following the page on providers, block by block, gives the sample package."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "examples" / "provider-package"
BLOCK = re.compile(r"^In `([^`]+)`:\n\n```\w+\n(.*?)^```$", re.DOTALL | re.MULTILINE)
NOT_ON_THE_PAGE = {
    "README.md": "describes the sample itself",
    "tests/test_signed_vendor.py": "the page says to take it over",
    "src/signed_vendor/py.typed": "empty, and the page says so",
}


def written_by_the_page() -> dict[str, str]:
    """Each file's blocks, one after the other."""
    files: dict[str, list[str]] = defaultdict(list)
    for name, block in BLOCK.findall((ROOT / "CONTRIBUTING.md").read_text()):
        files[name].append(block)
    return {name: "\n".join(blocks) for name, blocks in files.items()}


def lines(text: str) -> list[str]:
    """Lines that say something: a block can't show how many empty ones precede it."""
    return [line for line in text.splitlines() if line.strip()]


def test_the_page_names_every_file_of_the_sample() -> None:
    here = {
        str(path.relative_to(SAMPLE))
        for path in SAMPLE.rglob("*")
        if path.is_file() and not {"__pycache__", ".pytest_cache"} & set(path.parts)
    }
    assert here == written_by_the_page().keys() | NOT_ON_THE_PAGE.keys()


@pytest.mark.parametrize("name", written_by_the_page())
def test_the_page_writes_the_samples_files(name: str) -> None:
    assert lines(written_by_the_page()[name]) == lines((SAMPLE / name).read_text())
