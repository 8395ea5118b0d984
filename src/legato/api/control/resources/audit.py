"""The audit log: events with proofs, checkpoints, and tiles that others mirror."""

from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
from litestar.di import NamedDependency as Given
from litestar.params import Parameter
from litestar.response import Response, Stream

from legato.api.control.access import Caller, read
from legato.api.control.forms import Shown, moment, moment_ns
from legato.api.control.paging import LIMIT, Cursor, Limit, paged
from legato.api.control.services import Services
from legato.audit.event import Event
from legato.audit.tiles import ENTRIES, tile_of
from legato.core.errors import NotFound, OperatorError
from legato.core.permission import Permission
from legato.core.tenant import EVERY_TENANT, EveryTenant, Tenant, WholeReach
from legato.storage.audit.log import AuditFilter

Org = Annotated[str | None, Parameter(max_length=256, required=False)]
Narrow = Annotated[str | None, Parameter(max_length=128, required=False)]
Index = Annotated[str, Parameter(max_length=64, description="From 0, as in the log.")]
Size = Annotated[
    int | None,
    Parameter(ge=1, le=2**62, required=False, description="Of the log when it had so many events."),
]
Word = Annotated[str, Parameter(max_length=64)]
_TEXT = "text/plain"
_BYTES = "application/octet-stream"
_LINES = "application/jsonl"
_INDEX_MAX = 2**62
_PART_BYTES = 64 * 1024


class AuditEvent(Shown, frozen=True, kw_only=True):
    """One event. `org` is null for what concerns the instance alone."""

    index: int
    at: str
    org: str | None
    org_index: int
    actor: dict[str, str]
    action: str
    subject: dict[str, str]
    outcome: str
    reason: str
    request_id: str
    details: dict[str, Any]


class AuditEventPage(Shown, frozen=True, kw_only=True):
    """A page of events, newest first."""

    data: list[AuditEvent]
    next_cursor: str | None


class AuditProof(Shown, frozen=True, kw_only=True):
    """`leaf` is what is hashed; `proof` leads from it, in hex, to the root of `checkpoint`."""

    index: int
    size: int
    leaf: str
    proof: list[str]
    checkpoint: str


class ConsistencyProof(Shown, frozen=True, kw_only=True):
    """That the log of `old` events is the beginning of that of `new`, each with its checkpoint."""

    old: int
    new: int
    proof: list[str]
    old_checkpoint: str
    new_checkpoint: str


@read("/audit/events", Permission.AUDIT_READ, tags=["audit"])
def list_audit_events(
    services: Given[Services],
    caller: Given[Caller],
    *,
    org: Org = None,
    action: Narrow = None,
    since: Narrow = None,
    until: Narrow = None,
    cursor: Cursor = None,
    limit: Limit = LIMIT,
) -> AuditEventPage:
    """List events, newest first. `action` may end in `*`, as `key.*`."""
    desk = services.audit.desk(_reach(caller, org))
    wanted = AuditFilter(
        action=action,
        since_ns=moment_ns(since, "since"),
        until_ns=moment_ns(until, "until"),
    )

    def rows(count: int, before: str | None) -> Any:
        narrowed = msgspec.structs.replace(wanted, before=None if before is None else int(before))
        return desk.log.page(count, narrowed)

    found, following = paged(
        services.cursors, "audit", (cursor, limit), rows, name=lambda one: str(one.number)
    )
    return AuditEventPage(data=[_shown(one.event) for one in found], next_cursor=following)


@read("/audit/events/{index:str}", Permission.AUDIT_READ, tags=["audit"])
def get_audit_event(
    services: Given[Services], caller: Given[Caller], index: Index, *, org: Org = None
) -> AuditEvent:
    """Show one."""
    return _shown(services.audit.desk(_reach(caller, org)).log.get(_number(index)).event)


@read("/audit/events/{index:str}/proof", Permission.AUDIT_READ, tags=["audit"])
def prove_audit_event(
    services: Given[Services],
    caller: Given[Caller],
    index: Index,
    *,
    org: Org = None,
    size: Size = None,
) -> AuditProof:
    """Show one as it was hashed, with the proof that it stands in the log."""
    found = _whole(lambda: services.audit.desk(_reach(caller, org)).prove(_number(index), size))
    return AuditProof(**msgspec.structs.asdict(found))


@read("/audit/consistency", Permission.AUDIT_READ, tags=["audit"])
def prove_audit_consistency(
    services: Given[Services],
    caller: Given[Caller],
    *,
    old: Annotated[int, Parameter(ge=1, le=2**62)],
    new: Size = None,
) -> ConsistencyProof:
    """Prove that the log of one size is the beginning of the log of another."""
    desk = services.audit.desk(_reach(caller, None))
    end = desk.log.head().size if new is None else new
    path = _whole(lambda: desk.log.consistency(old, end))
    return ConsistencyProof(
        old=old,
        new=end,
        proof=[one.hex() for one in path],
        old_checkpoint=_whole(lambda: desk.checkpoint(old)),
        new_checkpoint=_whole(lambda: desk.checkpoint(end)),
    )


@read("/audit/checkpoint", Permission.AUDIT_READ, tags=["audit"], media_type=_TEXT)
def get_audit_checkpoint(
    services: Given[Services], caller: Given[Caller], *, size: Size = None
) -> str:
    """Sign how large the log is and which root it has: a signed note."""
    desk = services.audit.desk(_reach(caller, None))
    return str(_whole(lambda: desk.checkpoint(size)))


@read("/audit/key", Permission.AUDIT_READ, tags=["audit"], media_type=_TEXT)
def get_audit_key(services: Given[Services], caller: Given[Caller]) -> str:
    """Show the public key that checkpoints are verified by."""
    return f"{services.audit.desk(_reach(caller, None)).key}\n"


@read(
    "/audit/export",
    Permission.AUDIT_READ,
    shows="audit.export",
    tags=["audit"],
    media_type=_LINES,
)
def export_audit_log(
    services: Given[Services], caller: Given[Caller], *, org: Org = None
) -> Stream:
    """Give all events as JSON lines, each with its proof; the first line has the checkpoint."""
    lines = _whole(lambda: services.audit.desk(_reach(caller, org)).lines())
    return Stream(_parts(lines), media_type=_LINES)


@read(
    "/audit/tile/{level:str}/{place:path}",
    Permission.AUDIT_MIRROR,
    tags=["audit"],
    media_type=_BYTES,
)
def get_audit_tile(services: Given[Services], level: Word, place: Word) -> Response[bytes]:
    """Give a tile of hashes, or a bundle of events (`entries`), as C2SP's tlog-tiles has them."""
    try:
        tile = tile_of(level, place.lstrip("/"))
    except ValueError as error:
        raise NotFound(str(error), param="place") from None
    tiles = services.audit.tiles
    found = _whole(lambda: tiles.events(tile) if level == ENTRIES else tiles.hashes(tile))
    return Response(content=found, media_type=_BYTES)


HANDLERS = (
    list_audit_events,
    get_audit_event,
    prove_audit_event,
    prove_audit_consistency,
    get_audit_checkpoint,
    get_audit_key,
    export_audit_log,
    get_audit_tile,
)


def _reach(caller: Caller, org: str | None) -> WholeReach:
    """Return whose events are meant: those of one organisation, or all there are."""
    if org is None and isinstance(caller.reach, EveryTenant):
        return EVERY_TENANT
    return Tenant(caller.tenant(org).org)


def _number(index: str) -> int:
    """Read an index. Raises NotFound for what is none."""
    if not (index.isascii() and index.isdigit()):
        raise NotFound("events are named by their index, a number", param="index")
    return min(int(index), _INDEX_MAX)


def _whole(work: Any) -> Any:
    """Do what only a log that isn't damaged can."""
    try:
        return work()
    except ValueError as error:
        raise OperatorError(str(error)) from None


def _parts(lines: Iterator[bytes]) -> Iterator[bytes]:
    part = bytearray()
    for line in lines:
        part += line
        if len(part) >= _PART_BYTES:
            yield bytes(part)
            part.clear()
    yield bytes(part)


def _shown(event: Event) -> AuditEvent:
    subject = msgspec.to_builtins(event.subject)
    return AuditEvent(
        index=event.index,
        at=moment(event.at_ns),
        org=event.org or None,
        org_index=event.org_index,
        actor=msgspec.to_builtins(event.actor),
        action=event.action,
        subject=subject,
        outcome=event.outcome,
        reason=event.reason,
        request_id=event.request_id,
        details=dict(event.details),
    )
