"""What a live check is."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import msgspec

from legato.app.compliance.scene import Scene
from legato.core.compliance import Finding, Status

NAMES_MAX: Final = 20
"""So many names stand in evidence; beside them is how many there are."""


class LiveCheck(msgspec.Struct, frozen=True):
    """One look at the instance. `remedy` says how what it finds is mended."""

    id: str
    looks_at: str
    look: Callable[[Scene], Finding]
    remedy: str
    heavy: bool = False
    """Reads all of the ledger or of the audit log."""
    of_machine: bool = False
    """Looks at what each machine has for itself."""


def named(names: Sequence[str]) -> dict[str, Any]:
    """Return names as evidence."""
    return {"count": len(names), "names": sorted(names)[:NAMES_MAX]}


def few(names: Sequence[str]) -> str:
    """Return names in words, the first three of them."""
    shown = ", ".join(sorted(names)[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown  # noqa: PLR2004


def passed_unless(bad: Sequence[str], good: str, wrong: str, **evidence: Any) -> Finding:
    """Return a failure that names what is bad, a pass where nothing is."""
    if bad:
        return Finding(Status.FAIL, f"{wrong}: {few(bad)}", {**evidence, "failing": named(bad)})
    return Finding(Status.PASS, good, evidence)


def not_applicable(told: str, **evidence: Any) -> Finding:
    """Return that there is nothing to look at."""
    return Finding(Status.NOT_APPLICABLE, told, evidence)


def table_of(checks: Iterable[LiveCheck]) -> dict[str, LiveCheck]:
    """Return checks by id. Raises ValueError where one comes twice."""
    found: dict[str, LiveCheck] = {}
    for one in checks:
        if one.id in found:
            raise ValueError(f"the check {one.id} comes twice")
        found[one.id] = one
    return found
