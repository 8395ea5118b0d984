"""What `legato objectives` does."""

from pathlib import Path
from typing import Any

import click

from legato.api.control.resources.objectives import limit_of, standing
from legato.api.control.service_level_services import ServiceLevelServices
from legato.app.checks.instance import find_instance
from legato.app.desks.service_levels import service_levels, words_of
from legato.app.desks.stored_data import stored_data
from legato.app.models.vaults import open_data_keys
from legato.audit.acting import acting
from legato.cli.options import print_json
from legato.cli.spans import time_text
from legato.cli.tables import print_table
from legato.core.clock import SystemClock
from legato.core.money import NanoUSD, display_usd
from legato.core.objective import Measured, Objective, percent_of, ppm_of
from legato.core.tenant import EVERY_TENANT, Tenant
from legato.insights.objectives.standing import Stands
from legato.storage.database.engine import open_engine
from legato.storage.database.windows import day_text

_DAYS_SHOWN = 14


def opened(data: Path, config_file: Path | None) -> ServiceLevelServices:
    """Return the stores of an instance whose database is this code's."""
    instance = find_instance(data, config_file)
    with stored_data(instance) as stored:
        keys = open_data_keys(instance.loaded, instance.data, stored.data_keys())
        engine = open_engine(instance.database_url)
        return service_levels(engine, SystemClock(), words_of(keys))


def author() -> str:
    """Return who acts, as the control API writes it."""
    actor = acting().actor
    return f"{actor.kind}:{actor.id}"


def list_objectives(*, data: Path, config_file: Path | None, as_json: bool) -> None:
    """Print those in force."""
    rooms, now_ns = opened(data, config_file), SystemClock.now_ns()
    standings = rooms.standings(EVERY_TENANT)
    found = [standings.of(one, now_ns) for one in rooms.objectives(EVERY_TENANT).in_force()]
    if as_json:
        print_json([standing(one) for one in found])
        return
    print_table(
        ("org", "name", "what", "of", "target", "days", "requests", "bad", "budget left", "alerts"),
        [_row(one) for one in found],
        numbers=("days", "requests", "bad", "budget left", "alerts"),
    )


def show(*, data: Path, config_file: Path | None, org: str, name: str, as_json: bool) -> None:
    """Print how one stands."""
    rooms, reach = opened(data, config_file), Tenant(org)
    found = rooms.standings(reach).of(rooms.objectives(reach).get(name), SystemClock.now_ns())
    if as_json:
        print_json(standing(found))
        return
    one = found.objective
    click.echo(f"{one.name} of {one.org}, version {one.version}: {said(one)}")
    click.echo(f"{percent_of(one.target_ppm)} % within {one.period_days} days, of {of(one)}")
    click.echo(
        f"{found.counted.total:,} requests, {found.counted.bad:,} bad: "
        f"{found.left:.1%} of the error budget left"
    )
    rates = ", ".join(f"{span} {rate:.2f}" for span, rate in found.burning.items())
    click.echo(f"burn rates: {rates}")
    if one.runbook:
        click.echo(f"runbook: {one.runbook}")
    rows = [
        (day_text(day.minute), f"{day.counted.total:,}", f"{day.counted.bad:,}")
        for day in found.days[-_DAYS_SHOWN:]
    ]
    print_table(("day", "requests", "bad"), rows, numbers=("requests", "bad"))
    if found.alerts:
        print_table(
            ("alert", "window", "since", "seen", "until", "burn rate"),
            [
                (
                    alert.id,
                    alert.window,
                    time_text(alert.began_at_ns),
                    time_text(alert.opened_at_ns),
                    "" if alert.closed_at_ns is None else time_text(alert.closed_at_ns),
                    f"{alert.burn_long:.1f}",
                )
                for alert in found.alerts
            ],
        )


def add(
    *,
    data: Path,
    config_file: Path | None,
    target: str,
    errors: bool,
    under_ms: int | None,
    under_usd: str | None,
    **said: Any,
) -> None:
    """Keep one."""
    asked = [errors, under_ms is not None, under_usd is not None]
    if sum(asked) != 1:
        raise click.UsageError("say one of --errors, --under-ms and --under-usd")
    measured = list(Measured)[asked.index(True)]
    objective = Objective(
        measured=measured,
        target_ppm=ppm_of(target),
        limit=limit_of(measured, under_ms, under_usd),
        author=author(),
        **said,
    )
    made = opened(data, config_file).objectives(Tenant(objective.org)).set(objective)
    click.echo(f"{made.name}: version {made.version}")


def remove(*, data: Path, config_file: Path | None, org: str, name: str) -> None:
    """End one."""
    opened(data, config_file).objectives(Tenant(org)).retire(org, name)
    click.echo(f"{name} is no objective any more")


def said(one: Objective) -> str:
    """Say when a request is good."""
    if one.measured is Measured.LATENCY:
        return f"answered within {one.limit:,} ms"
    if one.measured is Measured.COST:
        return f"answered for up to ${display_usd(NanoUSD(one.limit))}"
    return "answered"


def of(one: Objective) -> str:
    """Say what it is of."""
    named = (("route", one.route), ("team", one.team), ("feature", one.feature))
    return ", ".join(f"{name} {value}" for name, value in named if value) or "everything"


def _row(found: Stands) -> tuple[str, ...]:
    one = found.objective
    return (
        one.org,
        one.name,
        said(one),
        of(one),
        f"{percent_of(one.target_ppm)} %",
        str(one.period_days),
        f"{found.counted.total:,}",
        f"{found.counted.bad:,}",
        f"{found.left:.1%}",
        str(sum(alert.closed_at_ns is None for alert in found.alerts)),
    )
