"""Cases 36 and 37: a changed audit log is noticed, and nothing passes while it can't be written."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeVar

from msgspec.structs import asdict, replace

from legato.app.checks.configuration import load
from legato.app.checks.instance import Instance
from legato.app.config.data_dir import DataDir
from legato.app.desks.audit_files import Verified, key_of, verify_export
from legato.app.desks.stored_data import StoredData
from legato.audit.checking import Finding, Row, find_kept_fault
from legato.cli.security_check.bench import OK, PATHS, Bench, bearer
from legato.cli.security_check.masking_cases import Judged
from legato.cli.security_check.verdicts import counted, not_proven
from legato.storage.audit.log import AuditFilter, AuditLog

_VERSIONS: Final = "/api/v1/registry/objects/guardrail/security-check-audit/versions"
_MADE: Final = 201
_UNAVAILABLE: Final = 503
_EVENTS_MIN: Final = 5
Event = TypeVar("Event")
Change = Callable[[list[Event], Callable[[Event, Event], Event]], list[Event]]


def _edited(events: list[Event], put: Callable[[Event, Event], Event]) -> list[Event]:
    return [*events[:2], put(events[2], events[3]), *events[3:]]


def _reordered(events: list[Event], put: Callable[[Event, Event], Event]) -> list[Event]:
    swapped = [put(events[2], events[3]), put(events[3], events[2])]
    return [*events[:2], *swapped, *events[4:]]


CHANGES: Final[MappingProxyType[str, tuple[Change[Any], int | None]]] = MappingProxyType(
    {
        "left alone": (lambda events, _: events, None),
        "edited": (_edited, 2),
        "deleted": (lambda events, _: [*events[:1], *events[2:]], 1),
        "reordered": (_reordered, 2),
        "truncated": (lambda events, _: events[:-1], -1),
    }
)
"""What is done to the events, and the index of the first that is wrong then; -1: the last."""


def tampered(bench: Bench) -> Judged:
    """36: rows that are edited, deleted, moved or cut off are named by the first bad index."""
    for number in range(_EVENTS_MIN):
        status = _act(bench, f"act{number}")
        if status != _MADE:
            return not_proven(f"no administrative act could be made ({status})")
    data = DataDir(bench.folder / "data")
    instance = Instance(data, bench.folder / "legato.yaml", load(bench.folder / "legato.yaml", {}))
    stored = StoredData(data.database_url)
    wrong, count = [], 0
    try:
        for how, (change, index) in CHANGES.items():
            desk = stored.audit(instance)
            folder = bench.folder / f"audit {how}"
            count = desk.export(folder, None)
            # acts may be recorded meanwhile: each is judged by its own size
            looked = {"database": _look(desk.log, change), "export": (_copy(folder, change), count)}
            wrong += [
                f"{how} in the {where}: {'nothing' if one is None else one.index} was named"
                for where, (one, size) in looked.items()
                if (None if one is None else one.index) != (size - 1 if index == -1 else index)
            ]
    finally:
        stored.close()
    return counted(wrong, 2 * len(CHANGES), f"logs of {count} events, each fault named exactly")


def unwritable(bench: Bench) -> Judged:
    """37: while no byte can be written, nothing is administered and no model is asked."""
    if not sys.platform.startswith("linux"):
        return not_proven("only Linux can take the disk from a process that runs")
    wrong, tried = [], 0
    acts_before = _acts(bench)
    with _full_disk(_family(bench)):
        before = len(bench.models.bodies)
        for number in range(2):
            tried += 1
            status = _act(bench, f"full{number}")
            if status != _UNAVAILABLE:
                wrong.append(f"an administrative act was answered {status}")
        for surface in PATHS:
            tried += 1
            answer = bench.ask(surface, f"Is there room for {surface}?")
            if answer.status != _UNAVAILABLE:
                wrong.append(f"a call by {surface} was answered {answer.code}")
        reached = len(bench.models.bodies) - before
        if reached:
            wrong.append(f"{reached} calls reached a model")
    after = bench.ask("chat", "Is there room again?")
    if after.status != OK and not after.blocked:
        wrong.append(f"with room again a call was answered {after.code}")
    acts = _acts(bench) - acts_before
    if acts > 0:
        wrong.append(f"{acts} versions were made all the same")
    return counted(wrong, tried, "acts and calls refused without room on the disk")


def _act(bench: Bench, word: str) -> int:
    """Make a policy that is attached to nobody; return the status."""
    rule = {"name": "r", "detect": {"words": {"w": [word]}}, "action": "flag"}
    return bench.post(_VERSIONS, {"spec": {"rules": [rule]}}, bench.keys.admin).status


def _acts(bench: Bench) -> int:
    """Return how many of these there are."""
    answer = bench.send("GET", _VERSIONS, None, bearer(bench.keys.admin))
    return len(answer.json["data"]) if answer.status == OK else 0


def _look(log: AuditLog, change: Change[Row]) -> tuple[Finding | None, int]:
    """Verify the database's log with its rows changed; return how many there are, too."""

    def put(into: Row, of: Row) -> Row:
        return replace(into, leaf=of.leaf, nodes=of.nodes)

    head = log.head()
    rows = [Row(**asdict(one)) for one in log.all(AuditFilter(before=head.size))]
    return find_kept_fault(change(rows, put), head).fault, head.size


def _copy(folder: Path, change: Change[bytes]) -> Finding | None:
    """Verify an export whose files were changed."""
    for file in folder.glob("events-*.jsonl"):
        lines = change(file.read_bytes().splitlines(keepends=True), lambda _, of: of)
        file.write_bytes(b"".join(lines))
    done: Verified = verify_export(folder, key_of(folder), [])
    return done.fault


def _family(bench: Bench) -> list[int]:
    """Return the processes of the program that runs."""
    found = [bench.pid]
    for pid in found:
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            found += [int(one) for one in children.read_text().split()]
    return found


@contextmanager
def _full_disk(pids: Sequence[int]) -> Iterator[None]:
    """Let no file of these processes grow, or be written, within the block."""
    import resource  # noqa: PLC0415 - not on every system

    limits = {pid: resource.prlimit(pid, resource.RLIMIT_FSIZE) for pid in pids}
    try:
        for pid, (_, hard) in limits.items():
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, hard))
        yield
    finally:
        for pid, limit in limits.items():
            if os.path.exists(f"/proc/{pid}"):  # noqa: PTH110 - one that has ended has no limits
                resource.prlimit(pid, resource.RLIMIT_FSIZE, limit)
