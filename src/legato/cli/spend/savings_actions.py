"""What `legato savings` does."""

import os
import pwd
from pathlib import Path

import click
import msgspec

from legato.cli.options import print_json
from legato.cli.spans import time_text
from legato.cli.spend.insight_actions import opened
from legato.cli.tables import print_table
from legato.core.errors import Conflict
from legato.core.money import NanoUSD, display_places, display_usd
from legato.core.tenant import Tenant
from legato.insights.spend.desk import Asked
from legato.insights.spend.statement import MeasuredSaving


def show_savings(
    *, data: Path, config_file: Path | None, period: str, org: str, as_json: bool
) -> None:
    """Print the savings statement."""
    with opened(data, config_file) as (_, desk):
        found = desk.insights(Tenant(org)).statement(Asked(period))
    if as_json:
        print_json(found)
        return
    click.echo(f"Savings of {org}, {found.period}: {found.requests:,} requests")
    click.echo(found.headline)
    places = display_places(NanoUSD(value) for _, value in found.bars)
    print_table(
        ("step", "$"), [(name, _dollars(value, places)) for name, value in found.bars],
        numbers=("$",),
    )  # fmt: skip
    if found.unpriced:
        click.echo(f"{found.unpriced} attempts have no price: they are in none of these figures.")
    for one in found.measured:
        _print_measured(one)
    for sentence in found.modelled:
        click.echo(sentence)
    for query in found.queries:
        click.echo(f"query: {query}")


def freeze(
    *,
    data: Path,
    config_file: Path | None,
    name: str,
    period: str,
    org: str,
    author: str | None,
    as_json: bool,
) -> None:
    """Freeze a baseline."""
    with opened(data, config_file) as (_, desk):
        room = desk.freezing(Tenant(org))
        made = room.freeze(name, period, who(author))
        terms = room.read(made)
    if as_json:
        print_json({**msgspec.to_builtins(made), "terms": terms})
        return
    click.echo(f"{made.id}: {terms.period}, {len(terms.routes)} routes, signed")


def list_frozen(*, data: Path, config_file: Path | None, org: str, as_json: bool) -> None:
    """Print frozen baselines."""
    with opened(data, config_file) as (_, desk):
        room = desk.freezing(Tenant(org))
        found = []
        for one in room.store.list():
            try:
                found.append((one, room.read(one).period, "as signed"))
            except Conflict as error:
                found.append((one, "", error.message))
    if as_json:
        print_json(
            [
                {**msgspec.to_builtins(one), "period": days, "signature": told}
                for one, days, told in found
            ]
        )
        return
    rows = [
        (one.id, one.name, days, time_text(one.at_ns), one.author, told)
        for one, days, told in found
    ]
    print_table(("id", "name", "period", "frozen", "by", "signature"), rows)


def against(
    *, data: Path, config_file: Path | None, baseline_id: str, period: str, org: str, as_json: bool
) -> None:
    """Print a period against a frozen baseline."""
    with opened(data, config_file) as (_, desk):
        found = desk.freezing(Tenant(org)).against(baseline_id, period)
    if as_json:
        print_json(found)
        return
    click.echo(f"{found.period} against {found.terms.name!r} of {found.terms.period}")
    amounts = [(one.frozen_cost, one.cost, one.saved) for one in found.routes]
    places = display_places(NanoUSD(value) for some in amounts for value in some)
    rows = [
        (one.route, str(one.requests), *(_dollars(value, places) for value in some))
        for one, some in zip(found.routes, amounts, strict=True)
    ]
    rows.append(("total", "", "", "", _dollars(found.saved, places)))
    numbers = ("requests", "frozen $", "cost $", "saved $")
    print_table(("route", *numbers), rows, numbers=numbers)
    if found.unknown:
        click.echo(f"not in it, and not counted: {', '.join(found.unknown)}")


def who(author: str | None) -> str:
    """Return who acts at the terminal."""
    return f"operator:{author or pwd.getpwuid(os.getuid()).pw_name}"


def _print_measured(one: MeasuredSaving) -> None:
    told = "not measured yet"
    if one.saved_usd is not None:
        told = f"${one.saved_usd:,.4f} saved (95 %: {one.low_usd:,.4f} to {one.high_usd:,.4f})"
        told += "" if one.is_proven else ", no difference is proven"
    more = "" if one.requests_needed is None else f", about {one.requests_needed:,} more requests"
    click.echo(f"holdout {one.holdout_id} of {one.route}, {one.held_out} of {one.requests} "
               f"requests held out: {told}{more}")  # fmt: skip
    rows = [
        (
            metric.metric,
            *(
                "" if value is None else f"{value:.6g}"
                for value in (metric.holdout, metric.treated, metric.low, metric.high)
            ),
        )
        for metric in one.quality
    ]
    print_table(("metric", "holdout", "treated", "95 % from", "to"), rows)


def _dollars(nano: int, places: int) -> str:
    return display_usd(NanoUSD(nano), places)
