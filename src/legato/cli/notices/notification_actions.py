"""What `legato notifications` does."""

from pathlib import Path
from typing import Any

import click

from legato.app.checks.configuration import storage_secret
from legato.app.checks.instance import find_instance
from legato.app.config.problems import Path as ConfigPath
from legato.app.desks.notifying import channel_of, words
from legato.app.desks.stored_data import stored_data
from legato.app.desks.task_telling import sealed_outbox
from legato.cli.options import print_json
from legato.cli.spans import time_text
from legato.cli.tables import print_table
from legato.core.clock import SystemClock
from legato.core.config_notifications import Channel, Notifications
from legato.core.errors import NotFound, OperatorError
from legato.notify.sender import try_channel
from legato.storage.notifications.outbox import Kept, Outbox

Place = tuple[Path, Path | None]
_KINDS = ("webhook", "email", "apprise")


def list_notifications(place: Place, wanted: tuple[str, str], count: int, *, as_json: bool) -> None:
    """Print the newest."""
    kind, state = wanted
    found = _outbox(place).page(count, kind=kind, state=state)
    if as_json:
        print_json([shown(one) for one in found])
        return
    print_table(("id", "at", "severity", "kind", "org", "title", "deliveries"), map(_row, found))


def show(place: Place, notification_id: str, *, as_json: bool) -> None:
    """Print one."""
    kept = _outbox(place).get(notification_id)
    if as_json:
        print_json(shown(kept))
        return
    said = kept.notification
    click.echo(f"{said.title}\n\n{said.text}\n")
    click.echo(f"{said.kind}, {said.severity.value}, {time_text(said.at_ns)}, {said.id}")
    for one in kept.deliveries:
        told = f": {one.told}" if one.told else ""
        when = f" {time_text(one.sent_at_ns)}" if one.sent_at_ns else ""
        click.echo(f"  {one.channel}: {one.state}{when}, {one.attempts} attempts{told}")


def channels(place: Place, *, as_json: bool) -> None:
    """Print what the configuration has, without secrets."""
    said = find_instance(*place).loaded.config.notifications
    rows = [(one.name, _kind(one), _events(said, one.name), _digests(said, one.name))
            for one in said.channels]  # fmt: skip
    if as_json:
        names = ("name", "kind", "events", "digests")
        print_json([dict(zip(names, row, strict=True)) for row in rows])
        return
    columns = ("channel", "kind", "events", "digests")
    print_table(
        columns,
        [(name, kind, " ".join(events), " ".join(digests)) for name, kind, events, digests in rows],
    )


def test(place: Place, name: str) -> None:
    """Send a test now."""
    instance = find_instance(*place, secrets=channel_secrets)
    listed = {one.name: one for one in instance.loaded.config.notifications.channels}
    if name not in listed:
        known = ", ".join(sorted(listed)) or "none"
        raise NotFound(f"the configuration has no channel {name!r}; known are {known}")
    said = words().of_test(name, SystemClock.now_ns())
    if told := try_channel(channel_of(listed[name], instance.loaded), said):
        raise OperatorError(f"{name}: {told}")
    click.echo(f"{name} took the test ({said.id}).")


def retry(place: Place, notification_id: str, channel: str) -> None:
    """Have it sent again."""
    kept = _outbox(place).retry(notification_id, channel, SystemClock.now_ns())
    waiting = [one.channel for one in kept.deliveries if one.state == "waiting"]
    click.echo(f"{len(waiting)} deliveries wait: {', '.join(waiting) or 'all were sent'}.")


def channel_secrets(path: ConfigPath) -> bool:
    """Read what sending needs, beside what stored data needs."""
    return path[:2] == ("notifications", "channels") or storage_secret(path)


def shown(kept: Kept) -> dict[str, Any]:
    """Return one as JSON has it."""
    said = kept.notification
    return {
        "id": said.id,
        "kind": said.kind,
        "severity": said.severity.value,
        "at": time_text(said.at_ns),
        "org": said.org,
        "team": said.team,
        "feature": said.feature,
        "title": said.title,
        "text": said.text,
        "facts": said.facts,
        "deliveries": [
            {
                "channel": one.channel,
                "state": one.state.value,
                "attempts": one.attempts,
                "sent_at": time_text(one.sent_at_ns) or None,
                "next_at": time_text(one.next_ns) if one.state == "waiting" else None,
                "told": one.told,
            }
            for one in kept.deliveries
        ],
    }


def _outbox(place: Place) -> Outbox:
    instance = find_instance(*place)
    with stored_data(instance):  # says what to do where the database isn't this code's
        return sealed_outbox(instance.loaded, instance.data, instance.database_url)


def _row(kept: Kept) -> tuple[str, ...]:
    said = kept.notification
    deliveries = " ".join(f"{one.channel}:{one.state.value}" for one in kept.deliveries)
    return (
        said.id, time_text(said.at_ns), said.severity.value, said.kind, said.org or "*",
        said.title, deliveries or "(no route)",
    )  # fmt: skip


def _kind(one: Channel) -> str:
    return next(kind for kind in _KINDS if getattr(one, kind) is not None)


def _events(said: Notifications, channel: str) -> list[str]:
    routes = [route for route in said.routes if channel in route.channels]
    return sorted({event for route in routes for event in route.events or ("all",)})


def _digests(said: Notifications, channel: str) -> list[str]:
    found = [digest for digest in said.digests if channel in digest.channels]
    return sorted(f"{digest.org}/{digest.team or '*'}" for digest in found)
