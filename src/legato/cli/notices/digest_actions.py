"""What `legato digest` does."""

from datetime import date
from pathlib import Path

import click
import msgspec

from legato.app.checks.instance import find_instance
from legato.app.desks.digests import digest_for, digests_at, week_of
from legato.app.desks.stored_data import stored_data
from legato.app.desks.task_telling import sealed_outbox
from legato.cli.options import print_json
from legato.storage.notifications.outbox import Addressed

Place = tuple[Path, Path | None]


def show(place: Place, whose: tuple[str, str], day: date | None, *, form: str, send: bool) -> None:
    """Print a team's digest, and have it sent where that is asked."""
    instance, (org, team) = find_instance(*place), whose
    said = digest_for(instance.loaded.config.notifications, org, team)
    with stored_data(instance):
        digests = digests_at(instance.database_url)
        report, made = week_of(digests, said, whose, day)
        channels = made.channels
        if form == "json":
            print_json({"report": report, "title": made.title, "facts": made.facts})
        else:
            click.echo(made.html if form == "html" else f"{made.title}\n\n{made.text}")
        if send:
            by_hand = msgspec.structs.replace(made, once=f"{made.once} by hand {made.id}")
            sealed_outbox(instance.loaded, instance.data, instance.database_url).add(
                [Addressed(by_hand, channels)]
            )
            click.echo(f"It waits for {', '.join(channels)} ({made.id}).", err=True)
