"""The page on providers says of every kind what it was checked against, and says it truly."""

from __future__ import annotations

import re
from importlib.metadata import version
from pathlib import Path

import pytest

from legato.app.provider_kinds import BUILT_IN

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "providers.md").read_text()
CASSETTES = ROOT / "tests" / "contract" / "providers" / "cassettes"
CHECKED = PAGE.partition("| kind | contract suite |")[2].partition("\n\n")[0]


def test_every_kind_says_what_it_was_checked_against() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (passes|its own: `\S+`) \| .+ \|$", CHECKED, re.MULTILINE)
    own = [suite.split("`")[1] for _, suite in rows if suite != "passes"]
    assert all((ROOT / file).is_file() for file in own)
    assert {kind for kind, _ in rows} == BUILT_IN | {"signed_vendor"}
    sections = set(re.findall(r"^## (\w+)$", PAGE, re.MULTILINE))
    assert sections == BUILT_IN


@pytest.mark.parametrize("client", ["openai", "anthropic"])
def test_the_clients_named_are_those_installed(client: str) -> None:
    assert f"`{client}` {version(client)}" in PAGE


def test_the_cassettes_are_counted() -> None:
    counts = {
        folder: len(list((CASSETTES / folder).glob("*.sse"))) for folder in ("openai", "anthropic")
    }
    assert f"cassettes ({counts['openai']} streams)" in PAGE
    assert f"cassettes ({counts['anthropic']} streams)" in PAGE
    assert f"{sum(counts.values())} streams in `tests/contract/providers/cassettes`" in PAGE
    assert "made by hand" in PAGE
    assert "made by hand" in (CASSETTES / "README.md").read_text()
    assert not (CASSETTES / "recorded").exists(), "then the page must name what was recorded"
