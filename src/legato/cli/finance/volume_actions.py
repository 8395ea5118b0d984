"""What `legato plan` prints of volume, machines, training and accuracy."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import msgspec
import yaml

from legato.cli.finance.plan_actions import asked_of, dollars, percent, print_inputs
from legato.cli.finance.planning_desk import Place, opened
from legato.cli.options import print_json
from legato.cli.tables import print_table
from legato.core.errors import InvalidRequest
from legato.core.money import NanoUSD
from legato.core.tenant import Tenant
from legato.economics.finance.figures import Projection, plain
from legato.finance.volumes import FACTORS, World


def projection(place: Place, asked: Mapping[str, Any], *, as_json: bool) -> None:
    """Print months at multiples of the volume."""
    given = dict(asked)
    factors, file = tuple(given.pop("factors")) or FACTORS, given.pop("world")
    world = None if file is None else read_world(file)
    tenant, wanted = asked_of(given)
    with opened(place) as desk:
        found = desk.volumes.project(tenant, wanted, factors, world)
    if as_json:
        print_json(plain(found))
        return
    _print_volumes(found)
    for one in found.volumes:
        for told in one.limits:
            click.echo(f"x{one.factor}: {told}")
    click.echo(found.stops_told)
    for told in found.stops_because:
        click.echo(f"at x{found.stops_at}: {told}")
    click.echo(f"Cache: {found.cache_told}.")
    print_inputs(found.inputs)


def self_host(
    place: Place, names: tuple[str, str], asked: Mapping[str, Any], *, as_json: bool
) -> None:
    """Print own machines against a deployment."""
    tenant, wanted = asked_of(asked)
    with opened(place) as desk:
        found = desk.machines.self_host(tenant, *names, wanted)
    if as_json:
        print_json(plain(found))
        return
    columns = ("tokens a month", found.deployment, found.model, "machines")
    rows = [
        (f"{one.tokens:,}", dollars(one.api_nano), dollars(one.own_nano), str(one.machines))
        for one in found.curve
    ]
    print_table(columns, rows, numbers=columns)
    click.echo(f"Own machines pay {found.told}.")
    click.echo(
        f"A million tokens: {dollars(found.api_per_mtok_nano)} at {found.deployment}, "
        f"{dollars(found.own_per_mtok_full_nano)} on a machine used as assumed, which carries "
        f"{found.tokens_per_machine_month:,} a month."
    )
    if found.tokens_now is not None:
        click.echo(f"Now: {found.tokens_now:,} tokens a month.")
    print_inputs(found.inputs)


def fine_tune(
    place: Place, names: tuple[str, str], asked: Mapping[str, Any], *, as_json: bool
) -> None:
    """Print when training pays."""
    tenant, wanted = asked_of(asked)
    with opened(place) as desk:
        found = desk.machines.fine_tune(tenant, *names, wanted)
    if as_json:
        print_json(plain(found))
        return
    click.echo(f"Training {found.to_deployment} pays {found.told}.")
    click.echo(
        f"A request saves ${found.saved_per_request_pico / 10**12:.9f}; now there are "
        f"{found.requests_month:,} a month."
    )
    print_inputs(found.inputs)


def accuracy(place: Place, wanted: Mapping[str, Any], *, as_json: bool) -> None:
    """Print the frontier of accuracy and cost."""
    evaluation, table = wanted["evaluation"], wanted["table"]
    if bool(evaluation) == bool(table):
        raise InvalidRequest("name one of --evaluation and --table", param="evaluation")
    if table is not None:
        from legato.app.desks.planning import judged_table  # noqa: PLC0415 - numpy is an extra

        found = judged_table(table, wanted["models"])
    else:
        with opened(place) as desk:
            found = desk.accuracy(Tenant(wanted["org"]), evaluation, wanted["scorer"])
    if as_json:
        print_json(plain(found))
        return
    columns = ("answered by", "score", "1,000 answers", "one more point, per 1,000", "answers")
    rows = [
        (
            one.name,
            f"{one.score} %",
            dollars(one.cost_per_1000_nano),
            dollars(one.point_costs_nano) if one.on_frontier else "(cheaper ones are better)",
            str(one.answers),
        )
        for one in found.points
    ]
    print_table(columns, rows, numbers=columns[1:])
    for told in found.told:
        click.echo(told)


def read_world(file: Path) -> World:
    """Read a file of terms, or of a whole month. Raises InvalidRequest."""
    try:
        return msgspec.convert(yaml.safe_load(file.read_text()) or {}, World)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"{file}: {error}", param="world") from None
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"{file}: {error}", param="world") from None


def _print_volumes(found: Projection) -> None:
    columns = ("volume", "requests", "cached", "cost", "a request", "revenue", "margin", "machines")
    rows = []
    for one in found.volumes:
        machines = sum(driver.machines or 0 for driver in one.drivers)
        rows.append(
            (
                f"x{one.factor}",
                f"{one.requests:,}",
                percent(one.cached_share),
                dollars(one.cost_nano),
                dollars(one.cost_per_request_nano),
                dollars(one.revenue_nano),
                percent(one.margin),
                str(machines) if machines else "",
            )
        )
    print_table(columns, rows, numbers=columns[1:])
    heads = ("volume", "deployment", "requests", "at list", "cost", "busiest minute", "machines")
    drivers = [
        (
            f"x{one.factor}",
            driver.deployment,
            f"{driver.requests:,}",
            dollars(driver.list_nano),
            dollars(NanoUSD(driver.cost_nano)),
            driver.peak_per_minute,
            "" if driver.machines is None else str(driver.machines),
        )
        for one in found.volumes
        for driver in one.drivers
    ]
    print_table(heads, drivers, numbers=heads[2:])
