"""What `legato incidents` does."""

from pathlib import Path
from typing import Any

import click

from legato.api.control.resources.incidents import shown
from legato.cli.notices.objective_actions import author, opened
from legato.cli.options import print_json
from legato.cli.spans import time_text
from legato.cli.tables import print_table
from legato.core.clock import SystemClock
from legato.core.incident import Cause, Incident, Source
from legato.core.tenant import EVERY_TENANT, Tenant

_NS_PER_S = 1_000_000_000


def list_incidents(
    *, data: Path, config_file: Path | None, state: str | None, count: int, as_json: bool
) -> None:
    """Print the newest."""
    found = opened(data, config_file).incidents(EVERY_TENANT).page(count, state=state or "")
    if as_json:
        print_json([shown(one) for one in found])
        return
    print_table(
        ("id", "opened", "state", "severity", "org", "source", "cause", "resolved in", "title"),
        [
            (
                one.id,
                time_text(one.opened_at_ns),
                one.state.value,
                one.severity,
                one.org or "(instance)",
                one.source.value,
                one.cause.value,
                _lasted(one.resolved_ns),
                one.title,
            )
            for one in found
        ],
    )


def show(*, data: Path, config_file: Path | None, incident_id: str, as_json: bool) -> None:
    """Print one."""
    one = opened(data, config_file).incidents(EVERY_TENANT).get(incident_id)
    if as_json:
        print_json(shown(one))
        return
    click.echo(f"{one.title} ({one.id})")
    click.echo(f"{one.state.value}, {one.severity}; by {one.source.value}, of {one.subject}")
    click.echo(f"began {time_text(one.began_at_ns)}, detected in {_lasted(one.detected_ns)}")
    if one.acknowledged_at_ns is not None:
        taken = _lasted(one.acknowledged_ns)
        click.echo(f"acknowledged by {one.acknowledged_by} in {taken}")
    if one.resolved_at_ns is not None:
        click.echo(f"resolved by {one.resolved_by} in {_lasted(one.resolved_ns)}")
    for name, text in (("cause", one.cause.value), ("runbook", one.runbook), ("note", one.note)):
        if text:
            click.echo(f"{name}: {text}")


def open_incident(
    *, data: Path, config_file: Path | None, org: str, cause: str | None, **said: Any
) -> None:
    """Open one by hand."""
    rooms, now_ns = opened(data, config_file), SystemClock.now_ns()
    found = Incident(
        id=rooms.new_id(),
        org=org,
        source=Source.PERSON,
        subject=author(),
        cause=Cause(cause or ""),
        began_at_ns=now_ns,
        opened_at_ns=now_ns,
        **said,
    )
    rooms.incidents(Tenant(org)).open(found)
    click.echo(f"{found.id} is open")


def acknowledge(
    *, data: Path, config_file: Path | None, incident_id: str, cause: str | None
) -> None:
    """Take one on."""
    store = opened(data, config_file).incidents(EVERY_TENANT)
    one = store.acknowledge(incident_id, author(), Cause(cause or ""))
    click.echo(f"{one.id} is acknowledged, {_lasted(one.acknowledged_ns)} after it was opened")


def resolve(
    *, data: Path, config_file: Path | None, incident_id: str, cause: str | None, note: str
) -> None:
    """Say that one is over."""
    store = opened(data, config_file).incidents(EVERY_TENANT)
    one = store.resolve(incident_id, author(), cause=Cause(cause or ""), note=note)
    click.echo(f"{one.id} is resolved, {_lasted(one.resolved_ns)} after it was opened")


def _lasted(duration_ns: int | None) -> str:
    if duration_ns is None:
        return ""
    minutes, seconds = divmod(duration_ns // _NS_PER_S, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s"
