"""What `legato audit` does."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from legato.app.checks.configuration import storage_secret
from legato.app.checks.instance import find_instance
from legato.app.desks.audit import AuditDesk
from legato.app.desks.audit_files import (
    kept_checkpoint,
    key_of,
    parsed_key,
    verify_bundle,
    verify_export,
)
from legato.app.desks.audit_held import Held, export_secrets
from legato.app.desks.audit_mirror import is_mirror, verify_mirror
from legato.app.desks.audit_segments import LookedAt
from legato.app.desks.stored_data import stored_data
from legato.audit.checking import Finding
from legato.audit.note import VerifyingKey
from legato.cli.options import print_json
from legato.cli.spans import Moment, time_text
from legato.cli.tables import print_table
from legato.core.clock import SystemClock
from legato.core.errors import InvalidRequest, OperatorError
from legato.storage.audit.log import AuditFilter, StoredEvent

_COLUMNS: Final = ("index", "time", "org", "actor", "action", "subject", "reason")
_SHOWN_CHARACTERS: Final = 60


class Told(msgspec.Struct, frozen=True):
    """What came of looking at a log; `sealed` is what its segments anchor, of a database."""

    fault: Finding | None
    events: int
    root: str
    sealed: LookedAt | None = None


def list_events(
    data: Path,
    config_file: Path | None,
    *,
    as_json: bool,
    org: str | None,
    action: str | None,
    since: Moment | None,
    until: Moment | None,
    count: int,
) -> None:
    """Print the newest, newest first."""
    now_ns = SystemClock().now_ns()
    wanted = AuditFilter(
        action=action,
        since_ns=since.before(now_ns) if since else None,
        until_ns=until.before(now_ns) if until else None,
    )
    with _desk(data, config_file, org) as desk:
        found = desk.log.page(count, wanted)
    if as_json:
        for one in found:
            click.echo(one.leaf)
        return
    print_table(_COLUMNS, [_line(one) for one in found], numbers=("index",))


def show(data: Path, config_file: Path | None, index: int) -> None:
    """Print one. Raises NotFound."""
    with _desk(data, config_file) as desk:
        click.echo(msgspec.json.format(desk.log.get(index).leaf, indent=2))


def export(data: Path, config_file: Path | None, folder: Path, org: str | None) -> None:
    """Write the log, or one organisation's part."""
    instance = find_instance(data, config_file)
    with stored_data(instance) as stored, _damage_told():
        desk = stored.audit(instance, org)
        stored.reads(org or "", "audit.export", "" if org is None else org)
        count = desk.export(folder, org)
    of = "" if org is None else f" of {org}"
    click.echo(f"{count} events{of} are in {folder}; signed by {desk.key}")


def verify(
    data: Path,
    config_file: Path | None,
    *,
    as_json: bool,
    export: Path | None,
    checkpoints: tuple[Path, ...],
    against: str | None,
    key: str | None,
) -> None:
    """Say whether it is whole; exits with 1 where it isn't."""
    given = None if key is None else parsed_key(_text_of(key))
    if export is None:
        wanted = storage_secret if against is None else export_secrets
        instance = find_instance(data, config_file, wanted)
        with stored_data(instance) as stored:
            desk = stored.audit(instance)
            kept = [kept_checkpoint(one, given or desk.key) for one in checkpoints]
            mirror = None if against is None else Held.of(against, instance.loaded, desk.key)
            looked = desk.look(kept if mirror is None else [*kept, mirror.checkpoint])
            fault, sealed = looked.fault, None
            if fault is None:
                sealed = desk.look_at_segments(stored.segments())
            elif mirror is not None:
                fault = mirror.first_difference(desk.log) or fault
        tree = looked.tree
        _tell(Told(fault, tree.size, tree.root.hex(), sealed), as_json=as_json)
        return
    if against is not None:
        raise InvalidRequest("--against is for the database: leave EXPORT out", param="against")
    known = given or key_of(export)
    kept = [kept_checkpoint(one, known) for one in checkpoints]
    whole = verify_bundle if export.is_file() else verify_export
    done = (verify_mirror if is_mirror(export) else whole)(export, known, kept)
    if given is None:
        _warn_of_key(known)
    _tell(Told(done.fault, done.events, done.checkpoint.root.hex()), as_json=as_json)


def prove(data: Path, config_file: Path | None, index: int, size: int | None) -> None:
    """Print an event with its proof."""
    with _desk(data, config_file) as desk, _damage_told():
        print_json(msgspec.to_builtins(desk.prove(index, size)))


def checkpoint(data: Path, config_file: Path | None, size: int | None) -> None:
    """Print a signed checkpoint."""
    with _desk(data, config_file) as desk, _damage_told():
        click.echo(desk.checkpoint(size), nl=False)


def key(data: Path, config_file: Path | None) -> None:
    """Print the public key."""
    with _desk(data, config_file) as desk:
        click.echo(str(desk.key))


@contextmanager
def _desk(data: Path, config_file: Path | None, org: str | None = None) -> Iterator[AuditDesk]:
    instance = find_instance(data, config_file)
    with stored_data(instance) as stored:
        yield stored.audit(instance, org)


@contextmanager
def _damage_told() -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise OperatorError(str(error)) from None


def _text_of(key: str) -> str:
    """Return a key that was given, or what is in the file that is named."""
    file = Path(key)
    return file.read_text() if "+" not in key and file.is_file() else key


def _warn_of_key(key: VerifyingKey) -> None:
    click.echo(
        f"Signed by {key}, as the export itself says: compare it with `legato audit key`, or give "
        "it by --key.",
        err=True,
    )


def _tell(told: Told, *, as_json: bool) -> None:
    fault, sealed = told.fault, told.sealed
    whole = fault is None and (sealed is None or sealed.fault is None)
    if as_json:
        shown: dict[str, Any] = {"whole": whole, "events": told.events, "root": told.root}
        shown["fault"] = msgspec.to_builtins(fault)
        if sealed is not None:
            shown["segments"] = msgspec.to_builtins(sealed)
        print_json(shown)
    elif fault is None:
        click.echo(f"The audit log is whole: {told.events} events, root {told.root}")
    else:
        last = fault.end - 1
        where = f"{fault.index}" if last == fault.index else f"{fault.index} to {last}"
        click.echo(f"The audit log was changed at index {where}: {fault.told}.")
    if sealed is not None and not as_json:
        _tell_sealed(sealed)
    if not whole:
        sys.exit(1)


def _tell_sealed(sealed: LookedAt) -> None:
    if (fault := sealed.fault) is not None:
        click.echo(f"Segment {fault.segment} (event {fault.event}) was changed: {fault.told}.")
        return
    for kind, found in sealed.kinds.items():
        rest = "; newer ones wait to be sealed" if found.newest > found.last else ""
        click.echo(f"{kind}: {found.records} in {found.segments} segments are as sealed{rest}")


def _line(one: StoredEvent) -> list[str]:
    event = one.event
    subject = f"{event.subject.kind} {event.subject.id}".strip()
    return [
        str(event.index),
        time_text(event.at_ns),
        event.org,
        f"{event.actor.kind}:{event.actor.id}",
        event.action,
        subject,
        event.reason[:_SHOWN_CHARACTERS],
    ]
