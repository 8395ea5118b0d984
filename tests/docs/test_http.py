"""The HTTP page names every path, every header of ours, and every preset has its line."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from legato.providers.anthropic.settings import AnthropicSettings
from legato.providers.openai_compatible.presets import PRESETS, Preset
from legato.providers.simulated.settings import SimulatedSettings

ROOT = Path(__file__).parents[2]
HTTP = (ROOT / "docs" / "reference" / "http-api.md").read_text()
ENDPOINTS = (ROOT / "docs" / "reference" / "endpoints.md").read_text()
PROVIDERS = (ROOT / "docs" / "reference" / "providers.md").read_text()
SOURCE = {path: path.read_text() for path in (ROOT / "src" / "legato").rglob("*.py")}


def section(name: str) -> str:
    return PROVIDERS.partition(f"\n## {name}\n")[2].partition("\n## ")[0]


def test_every_path_served_is_described() -> None:
    # what is served, as the page of stages has it: a test compares it with the running app
    served = set(re.findall(r"^\| `(GET|POST|DELETE) (\S+)`", ENDPOINTS, re.MULTILINE))
    assert ("POST", "/v1/messages/count_tokens") in served
    assert set(re.findall(r"^\| `(GET|POST|DELETE) (\S+)`", HTTP, re.MULTILINE)) == served


def test_every_header_of_ours_is_described() -> None:
    gateway = "".join(text for path, text in SOURCE.items() if "simulated" not in path.parts)
    headers = set(re.findall(r"\bx-legato-[a-z-]+[a-z]", gateway))
    assert "x-legato-cost-usd" in headers
    assert {header for header in headers if f"`{header}`" not in HTTP} == set()
    assert set(re.findall(r"`(x-legato-[a-z-]+)", HTTP)) == headers


def test_every_preset_stands_with_its_address() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| `(http\S+)` \|", PROVIDERS, re.MULTILINE))
    assert rows == {name: preset.base_url for name, preset in PRESETS.items()}


def settings_described(name: str) -> set[str]:
    table = section(name).partition("| `settings` key ")[2].partition("|---|---|---|\n")[2]
    first = [row.split("|")[1] for row in table.splitlines() if row.startswith("|")]
    return {setting for cell in first for setting in re.findall(r"`(\w+)`", cell)}


def test_the_settings_of_providers_are_the_described_ones() -> None:
    for name, struct in (("openai_compatible", Preset), ("anthropic", AnthropicSettings)):
        fields = {field.name for field in msgspec.structs.fields(struct)} - {"base_url"}
        assert settings_described(name) == fields


def test_the_simulated_settings_described_exist() -> None:
    fields = {field.name for field in msgspec.structs.fields(SimulatedSettings)}
    assert settings_described("simulated")
    assert settings_described("simulated") - fields == set()
