"""Findings as SARIF 2.1.0 (OASIS), which code hosts show beside the lines."""

from typing import Any, Final

import legato
from legato.code_audit.finding import TITLES, Finding, Kind
from legato.code_audit.scanning import CodeAudit

_LEVELS: Final = {
    Kind.KEY: "error",
    Kind.RETRY_LOOP: "warning",
    Kind.NO_TOKEN_LIMIT: "warning",
    Kind.NO_TIMEOUT: "warning",
}
_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"


def as_sarif(audit: CodeAudit) -> dict[str, Any]:
    """Return one run with a rule for each kind of finding, and one for duplicates."""
    rules = [
        {"id": kind.value, "shortDescription": {"text": TITLES[kind]},
         "defaultConfiguration": {"level": _LEVELS.get(kind, "note")}}
        for kind in Kind
    ]  # fmt: skip
    rules.append(
        {"id": "duplicate", "shortDescription": {"text": "The same prompt or helper elsewhere"},
         "defaultConfiguration": {"level": "note"}}
    )  # fmt: skip
    results = [_result(one) for one in audit.findings]
    for group in audit.duplicates:
        first, *others = group.places
        results.append(
            {
                "ruleId": "duplicate",
                "level": "note",
                "message": {
                    "text": f"The same {group.what} stands in {len(group.places)} places of "
                    f"{len(group.services)} services."
                },
                "locations": [_location(first.path, first.line)],
                "relatedLocations": [_location(one.path, one.line) for one in others[:100]],
            }
        )
    driver = {"name": "legato audit-code", "version": legato.__version__, "rules": rules}
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results, "columnKind": "utf16CodeUnits"}],
    }


def _result(one: Finding) -> dict[str, Any]:
    return {
        "ruleId": one.kind.value,
        "level": _LEVELS.get(one.kind, "note"),
        "message": {"text": f"{TITLES[one.kind]}: {one.name or one.vendor or 'text'}"},
        "locations": [_location(one.path, one.line)],
    }


def _location(path: str, line: int) -> dict[str, Any]:
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": path, "uriBaseId": "%SRCROOT%"},
            "region": {"startLine": max(1, line)},
        }
    }
