"""Findings in the form that code hosts and editors show: SARIF 2.1.0 (OASIS, 2020)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from legato import __version__
from legato.cli.guardrails.scan_found import Found

_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_ERRORS: Final = frozenset({"SECRET", "URL_CREDENTIALS"})


def sarif(found: Sequence[Found]) -> dict[str, Any]:
    """Return a log of one run; columns count characters, as SARIF's `unicodeCodePoints`."""
    labels = sorted({one.label for one in found})
    driver = {
        "name": "legato",
        "version": __version__,
        "rules": [{"id": label, "shortDescription": {"text": label}} for label in labels],
    }
    results = [_result(one, labels.index(one.label)) for one in found]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _result(one: Found, rule: int) -> dict[str, Any]:
    # of a string within JSON the line is known, not the column in the file
    region = {"startLine": one.line}
    if one.pointer is None:
        region |= {"startColumn": one.column, "charOffset": one.start}
        region["charLength"] = one.end - one.start
    located: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(Path(one.file).as_posix())},
            "region": region,
        }
    }
    if one.pointer is not None:
        located["logicalLocations"] = [{"fullyQualifiedName": one.pointer}]
    return {
        "ruleId": one.label,
        "ruleIndex": rule,
        "level": "error" if one.label in _ERRORS else "warning",
        "message": {"text": f"{one.label} found by {one.detector}, score {one.score:.2f}"},
        "locations": [located],
    }
