"""The page on providers says of every kind what it was checked against, and says it truly."""

from __future__ import annotations

import re
from importlib.metadata import version
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from legato.app.config.provider_kinds import BUILT_IN

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "providers.md").read_text()
CASSETTES = ROOT / "tests" / "contract" / "providers" / "cassettes"
CHECKED = PAGE.partition("| kind | contract suite |")[2].partition("\n\n")[0]


def test_every_kind_says_what_it_was_checked_against() -> None:
    rows = re.findall(r"^\| `(\w+)` \| passes(?:, translated)? \| .+ \|$", CHECKED, re.MULTILINE)
    assert set(rows) == BUILT_IN | {"signed_vendor"}
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


@pytest.fixture(scope="module")
def provider_table() -> ModuleType:
    spec = spec_from_file_location("provider_table", ROOT / "docs" / "provider_table.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_says_of_each_cell_what_the_evidence_says(provider_table: ModuleType) -> None:
    assert provider_table.page() == PAGE, "run: python docs/provider_table.py"
    assert provider_table.SETTINGS.keys() == BUILT_IN - {"openai_compatible"}


def test_evidence_is_of_the_real_thing_and_named_after_it(provider_table: ModuleType) -> None:
    for file, seen in provider_table.evidence().items():
        assert provider_table.is_live(seen), file
        name = "-".join(part for part in (seen.kind, seen.preset, seen.date[:10]) if part)
        assert file.stem == name


def test_only_evidence_of_the_real_thing_turns_a_cell_live(
    provider_table: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (local,) = [seen for seen in provider_table.evidence().values() if seen.kind == "local"]
    there = {"kind": "openai_compatible", "preset": "groq", "date": "2027-03-04T00:00:00+00:00"}
    monkeypatch.setattr(provider_table, "FOLDER", tmp_path)

    def row_with(host: str) -> str:
        seen = msgspec.structs.replace(local, host=host, **there)
        (tmp_path / "one.json").write_bytes(msgspec.json.encode(seen))
        (row,) = re.findall(r"^.*, groq \|.*$", provider_table.table(), re.MULTILINE)
        return str(row)

    assert "live" not in row_with("127.0.0.1")
    assert row_with("api.groq.com").startswith(
        "| `openai_compatible`, groq | live, 2027-03-04 | live, 2027-03-04 | live, 2027-03-04 | "
        "not offered, 2027-03-04 |"
    )


@pytest.mark.parametrize("outcome", ["failed", "not run"])
def test_a_check_that_did_not_pass_leaves_its_cell(
    provider_table: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, outcome: str
) -> None:
    ((file, _),) = provider_table.evidence().items()
    said = file.read_text().replace('"passed"', f'"{outcome}"', 1)  # the very first: chat
    monkeypatch.setattr(provider_table, "FOLDER", tmp_path)
    (tmp_path / "one.json").write_text(said)
    (row,) = re.findall(r"^\| `local` \| .*$", provider_table.table(), re.MULTILINE)
    assert row.startswith("| `local` | documented shape only | live, ")
