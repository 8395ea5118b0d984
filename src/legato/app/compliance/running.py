"""Runs live checks when they are due, and keeps what they came to."""

from collections.abc import Iterable

import msgspec

from legato.app.compliance.check import LiveCheck
from legato.app.compliance.checks import CHECKS, looked
from legato.app.compliance.controls import stale_after_ns, standing
from legato.app.compliance.scene import Scene
from legato.app.compliance.when import NS_PER_S
from legato.core.compliance import ControlStatus, Finding
from legato.core.config_compliance import Compliance
from legato.storage.compliance.results import ComplianceResults


class Look(msgspec.Struct, frozen=True):
    """One look of one check."""

    check: str
    node: str
    finding: Finding
    changed: bool
    """Whether its status is another than before."""


def every_ns(check: LiveCheck, said: Compliance) -> int:
    """Return how often a check looks."""
    return int((said.heavy_every_s if check.heavy else said.every_s) * NS_PER_S)


def due(scene: Scene, results: ComplianceResults) -> list[LiveCheck]:
    """Return the checks whose time has come, here or, of what machines share, anywhere."""
    last = {(one.check, one.node): one.last_ns for one in results.newest()}
    said = scene.file.compliance
    return [
        one
        for one in CHECKS.values()
        if scene.now_ns - last.get((one.id, node_of(one, scene)), 0) >= every_ns(one, said)
    ]


def node_of(check: LiveCheck, scene: Scene) -> str:
    """Return whose result it is: this machine's, or "" for what all share."""
    return scene.node if check.of_machine else ""


def look_at(scene: Scene, results: ComplianceResults, checks: Iterable[LiveCheck]) -> list[Look]:
    """Look by these checks and keep what they find. Raises StorageUnavailable."""
    found = []
    said = scene.file.compliance
    for one in checks:
        finding, node = looked(one, scene), node_of(one, scene)
        gap_ns = stale_after_ns(every_ns(one, said))  # a longer gap shows, as a row of its own
        changed = results.record(one.id, node, finding, scene.now_ns, gap_ns=gap_ns)
        found.append(Look(one.id, node, finding, changed))
    return found


def standing_now(results: ComplianceResults, said: Compliance, now_ns: int) -> list[ControlStatus]:
    """Return how all controls stand. Raises StorageUnavailable."""
    intervals = {one.id: every_ns(one, said) for one in CHECKS.values()}
    return standing(results.newest(), now_ns, intervals)
