"""Writes the table of docs/reference/providers.md: `python docs/provider_table.py`.

What was seen live is read from the files in docs/evidence, which `legato verify` has written.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from legato.app.models.catalogue import build_provider
from legato.cli.verify.evidence import Evidence
from legato.cli.verify.plan import Work
from legato.core.config import Provider as ProviderConfig
from legato.providers.base import ProviderSettings
from legato.providers.openai_compatible.presets import PRESETS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from legato.cli.verify.check import Check

FOLDER = Path(__file__).parent / "evidence"
PAGE = Path(__file__).parent / "reference" / "providers.md"
BEGIN, END = "<!-- written by docs/provider_table.py -->\n", "<!-- end of it -->\n"
SHAPE, SIMULATED, NONE = "documented shape only", "simulated", "none"
SETTINGS = {
    "anthropic": {},
    "azure_openai": {},
    "bedrock": {"region": "eu-central-1"},
    "cohere": {},
    "gemini": {},
    "local": {"model": "smollm2-135m"},
    "simulated": {},
    "vertex": {"project": "p"},
}
OWN_MACHINE = {"ollama", "tgi", "vllm"}
"""Presets of servers that people run themselves: the others' are not on loopback."""
# Where the vendor's documentation has no such thing, though a request for it would be sent.
UNDOCUMENTED = {
    "embeddings": {"deepseek", "groq", "perplexity", "tgi", "xai"},
    "vision": {"deepseek", "simulated"},
    "rerank": {"azure_openai", "simulated", *(set(PRESETS) - {"together", "vllm"})},
}
LOOPBACK = {"", "127.0.0.1", "::1", "localhost"}


def evidence() -> dict[Path, Evidence]:
    """Return what was sent in, oldest first."""
    files = sorted(FOLDER.glob("*.json"))
    read = {file: msgspec.json.decode(file.read_bytes(), type=Evidence) for file in files}
    return dict(sorted(read.items(), key=lambda item: item[1].date))


def is_live(seen: Evidence) -> bool:
    """Whether it is of the real thing, not of a stand-in on this machine."""
    if seen.kind == "simulated":
        return False
    return seen.kind == "local" or seen.preset in OWN_MACHINE or seen.host not in LOOPBACK


def columns() -> dict[str, list[Check]]:
    """Return the checks behind each column."""
    found: dict[str, list[Check]] = {}
    for check in (check for work in Work for check in work.checks):
        found.setdefault(check.column, []).append(check)
    return found


def table() -> str:
    """Return the whole table."""
    heads = columns()
    lines = [
        f"| kind | {' | '.join(heads)} |",
        f"|---|{'---|' * len(heads)}",
    ]
    rows = [(kind, "") for kind in sorted(SETTINGS)]
    rows += [("openai_compatible", preset) for preset in ("", *sorted(PRESETS))]
    for kind, preset in rows:
        named = f"`{kind}`, {preset}" if preset else f"`{kind}`"
        cells = [_cell(kind, preset, checks) for checks in heads.values()]
        lines.append(f"| {named} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def page() -> str:
    """Return the page with the table in its place."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    return f"{before}{BEGIN}\n{table()}\n{END}{rest.partition(END)[2]}"


def _cell(kind: str, preset: str, checks: list[Check]) -> str:
    config = ProviderConfig(
        name="p", kind=kind, preset=preset or None, settings=SETTINGS.get(kind, {})
    )
    key = None if kind == "vertex" else "a-key"  # there it is a whole file
    provider = build_provider(ProviderSettings(config, "https://example.org", key))
    if not provider.supports(checks[0].operation):
        return NONE
    undocumented = (preset or kind) in UNDOCUMENTED.get(checks[0].column, ())
    if kind == "simulated" and not undocumented:
        return SIMULATED
    cell = NONE if undocumented else SHAPE
    for seen in evidence().values():
        if (seen.kind, seen.preset) == (kind, preset) and is_live(seen):
            names = {check.name for check in checks}
            cell = _live(_outcomes(seen, names), seen.date[:10]) or cell
    return cell


def _outcomes(seen: Evidence, names: Iterable[str]) -> set[str]:
    return {check.outcome for model in seen.models for check in model.checks if check.name in names}


def _live(outcomes: set[str], date: str) -> str:
    if outcomes == {"not offered"}:
        return f"not offered, {date}"
    return f"live, {date}" if "passed" in outcomes <= {"passed", "not offered"} else ""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
