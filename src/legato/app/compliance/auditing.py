"""Checks of the audit log: that it is whole, that it is copied elsewhere, that it is up to date."""

from typing import Any, Final

from legato.app.compliance.check import LiveCheck, passed_unless
from legato.app.compliance.scene import Scene
from legato.app.compliance.when import NS_PER_HOUR, NS_PER_S, at
from legato.app.desks.audit_look import look_at_log
from legato.app.desks.audit_segments import look_at_segments
from legato.audit.segments import SEAL_ACTION, SegmentKind
from legato.core.compliance import Finding, Status

_LATE_SEALS: Final = 5
"""So many intervals without a seal while there is something to seal."""


def _whole(scene: Scene) -> Finding:
    try:
        found = look_at_log(scene.log)
    except ValueError as error:
        return Finding(Status.FAIL, f"the log's head is damaged: {error}")
    tree = found.tree
    evidence = {"events": tree.size, "root": tree.root.hex() if tree.size else ""}
    if found.fault is not None:
        at_fault = {"first_bad_event": found.fault.index}
        return Finding(Status.FAIL, found.fault.told, {**evidence, **at_fault})
    looked = look_at_segments(scene.log, scene.segments)
    evidence["sealed"] = {name: one.records for name, one in looked.kinds.items()}
    if looked.fault is not None:
        told = f"what segment {looked.fault.segment} anchors was changed: {looked.fault.told}"
        return Finding(Status.FAIL, told, {**evidence, "segment_event": looked.fault.event})
    return Finding(Status.PASS, f"all {tree.size} events are as they were recorded", evidence)


def _copied(scene: Scene) -> Finding:
    exports = scene.file.audit.export
    if not exports:
        return Finding(Status.FAIL, "audit.export names nowhere: the log is on this machine alone")
    bad, evidence = [], {}
    latest_ns = scene.now_ns - scene.bounds.copy_hours_max * NS_PER_HOUR
    size = scene.log.head().size
    for one in exports:
        state = scene.exports.state(one.name)
        evidence[one.name] = {
            "last_copy": at(state.at_ns or None),
            "events": state.size,
            "behind": size - state.size,
            "failing_since": at(state.failing_since_ns),
        }
        if state.forked:
            bad.append(f"{one.name} holds another history")
        elif state.at_ns < latest_ns:
            bad.append(f"{one.name} has had no copy for {scene.bounds.copy_hours_max} h")
    good = f"copied to {len(exports)} elsewhere"
    return passed_unless(bad, good, "the log's copies", **evidence)


def _sealed(scene: Scene) -> Finding:
    bad: list[str] = []
    evidence: dict[str, Any] = {}
    late_ns = scene.now_ns - int(_LATE_SEALS * scene.file.audit.seal_every_s * NS_PER_S)
    for kind in SegmentKind:
        sealed, newest = scene.segments.unsealed(kind)
        waits_since = scene.facts.unsealed_since(kind, sealed)
        evidence[kind.value] = {"sealed_to": sealed, "newest": newest, "waits": at(waits_since)}
        if waits_since is not None and waits_since < late_ns:
            bad.append(f"{kind.value} since {at(waits_since)}")
    last = scene.facts.newest_event([SEAL_ACTION])
    evidence["last_seal"] = None if last is None else {"event": last.index, "at": at(last.at_ns)}
    return passed_unless(bad, "all records are sealed as they come", "not sealed", **evidence)


AUDITING_CHECKS: Final = (
    LiveCheck(
        "audit-log-whole",
        "every event of the audit log and all rows that it anchors, by their hashes",
        _whole,
        "Run `legato audit verify`, keep the copies elsewhere, and find out who changed it.",
        heavy=True,
    ),
    LiveCheck(
        "audit-log-copied",
        "whether the audit log is copied elsewhere, and how old the last copy is",
        _copied,
        "Name a destination in audit.export; legato_audit_export_failures says why one fails.",
    ),
    LiveCheck(
        "records-sealed",
        "whether ledger entries and decisions are sealed into the audit log as they come",
        _sealed,
        "Look at the ledger process's log for why segments can't be sealed.",
    ),
)
