"""What `legato report schedule` does."""

from pathlib import Path
from typing import Any

import click

from legato.app.checks.instance import find_instance
from legato.app.desks.scheduling import ReportRunner
from legato.app.desks.stored_data import stored_data
from legato.audit.acting import acting, acting_as
from legato.audit.event import Actor
from legato.cli.finance.report_desk import opened_reports
from legato.cli.options import print_json
from legato.cli.spans import time_text
from legato.cli.tables import print_table
from legato.core.clock import SystemClock
from legato.core.errors import InvalidRequest
from legato.core.ids import IdSource
from legato.core.report_schedule import ReportRun, ReportSchedule
from legato.core.tenant import EVERY_TENANT, Reach, Tenant
from legato.storage.database.engine import open_engine
from legato.storage.schedules.schedules import Schedules


def add(*, data: Path, config_file: Path | None, channels: tuple[str, ...], **said: Any) -> None:
    """Add one."""
    actor, clock = acting().actor, SystemClock()
    instance = find_instance(data, config_file)
    known = frozenset(one.name for one in instance.loaded.config.notifications.channels)
    wanted = ReportSchedule(
        id=IdSource(clock).new(), channels=channels, author=f"{actor.kind}:{actor.id}", **said
    )
    made = _schedules(data, config_file, Tenant(wanted.org)).add(wanted, known)
    click.echo(f"{made.name}: comes next {time_text(made.next_ns)}")


def list_schedules(*, data: Path, config_file: Path | None, as_json: bool) -> None:
    """Print them."""
    store = _schedules(data, config_file, EVERY_TENANT)
    found = [(one, next(iter(store.runs(one.id, 1)), None)) for one in store.in_force()]
    if as_json:
        print_json([{"schedule": one, "last": last} for one, last in found])
        return
    print_table(
        ("org", "name", "report", "form", "cron", "of", "to", "next", "last"),
        [
            (
                one.org,
                one.name,
                one.kind,
                one.form,
                f"{one.cron} ({one.time_zone})",
                one.span,
                ", ".join(one.channels),
                time_text(one.next_ns),
                _last(last),
            )
            for one, last in found
        ],
    )


def remove(*, data: Path, config_file: Path | None, org: str, name: str) -> None:
    """End one."""
    gone = _schedules(data, config_file, Tenant(org)).remove(name)
    click.echo(f"{gone.name} comes no more")


def run(*, data: Path, config_file: Path | None, org: str, name: str | None, due: bool) -> None:
    """Make one now, or all that are due."""
    if due == (name is not None):
        raise click.UsageError("say which one by NAME, or --due for all whose time has come")
    reach: Reach = EVERY_TENANT if due else Tenant(org)
    store, clock = _schedules(data, config_file, reach), SystemClock()
    with opened_reports((data, config_file)) as desk:
        runner = ReportRunner(store, desk.document, IdSource(clock).new, clock)
        if due:
            with acting_as(Actor("process", "legato")):
                made = runner.run_due()
        else:
            one = store.get(name or "")
            found = runner.run(one, clock.now_ns())
            made = [] if found is None else [found]
    for one_run in made:
        click.echo(_last(one_run))
    if name is not None and made and made[0].told:
        raise InvalidRequest(made[0].told)


def _last(one: ReportRun | None) -> str:
    if one is None:
        return ""
    if one.told:
        return f"{one.period}: {one.told}"
    return f"{one.period}: sha256 {one.digest}, event {one.event} of the audit log"


def _schedules(data: Path, config_file: Path | None, reach: Reach) -> Schedules:
    instance = find_instance(data, config_file)
    with stored_data(instance):  # says what to do where the database isn't this code's
        return Schedules(open_engine(instance.database_url), SystemClock(), reach)
