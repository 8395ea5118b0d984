"""What `legato route explain` does."""

from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Final

import click
from msgspec.structs import replace

from legato.app.checks.instance import Instance, find_instance
from legato.app.desks.floor_desk import floor_of
from legato.app.desks.route_preview import preview
from legato.app.desks.served_now import served_now
from legato.app.desks.stored_data import stored_data
from legato.app.models.catalogue import RouterOf, no_routers
from legato.app.prices.price_book import PriceBook
from legato.app.prices.pricing import priced_deployments, prices_of
from legato.cli.options import print_json
from legato.cli.spans import time_text
from legato.core.clock import SystemClock
from legato.core.config import Config
from legato.gateway.explaining import Considered, Explanation
from legato.gateway.quality import OfOrganisation
from legato.registry.floor_status import FloorStatus
from legato.registry.routers import RouterReference, router_reference
from legato.replay.day import Day
from legato.replay.explaining import explained
from legato.replay.recorded import Unreplayable
from legato.routing.floor.freedom import About

Place = tuple[Path, Path | None]
"""The data directory and the configuration file."""
_FAILED: Final = 1


def explain_request(
    data: Path, config_file: Path | None, request_id: str, *, as_json: bool
) -> None:
    """Print why a recorded request went where it went; exit with 1 where that isn't known."""
    instance = find_instance(data, config_file)
    with stored_data(instance) as stored:
        trace = stored.entries().trace(request_id)
        if trace is None:
            click.echo(f"No trace of {request_id} is kept.", err=True)
            raise click.exceptions.Exit(_FAILED)
        day = Day(stored.decided_by().route, stored.prices().get)
        try:
            told = explained(trace, day)
        except Unreplayable as reason:
            click.echo(f"{request_id} can't be explained: {reason}", err=True)
            raise click.exceptions.Exit(_FAILED) from None
    if as_json:
        print_json(told)
        return
    _print(told.explanation)
    for step in told.steps:
        what = f"asked {step.deployment}" if step.deployment else "the route's queue"
        click.echo(f"{what}: {step.code}")
    cost, baseline = (_dollars(one) for one in (told.cost_usd, told.baseline_cost_usd))
    click.echo(f"answered by {told.deployment or 'nobody'} for {cost}; the baseline: {baseline}")


def explain_prompt(
    place: Place, asked: tuple[str, str, str], *, headers: dict[str, str], as_json: bool
) -> None:
    """Print where (an organisation's, to a route) a prompt would go. Prices are those of now."""
    org, alias, prompt = asked
    instance = find_instance(*place)
    served = served_now(instance, partial(click.echo, err=True))
    book = PriceBook(instance.data.cache, SystemClock())
    prices = prices_of(priced_deployments(served.config, book.ask))
    body = {"messages": [{"role": "user", "content": prompt}]}
    shares = _shares(instance) if _guarantees(served.config, alias) else {}
    served = replace(served, prices=prices)
    with ExitStack() as closing:
        routers = _routers(instance, served.config, alias, closing)
        told = preview(
            served,
            alias,
            body,
            headers=headers,
            org=org,
            shares=shares,
            routers=routers,
            weights=instance.data.models,
        )
    if as_json:
        print_json(told)
    else:
        _print(told)


def _routers(instance: Instance, config: Config, alias: str, closing: ExitStack) -> RouterOf:
    """Return the registry's routers where a route asks one of them."""
    terms = next((one.quality for one in config.routes if one.alias == alias), None)
    if terms is None or router_reference(terms.router) is None:
        return no_routers
    live = closing.enter_context(stored_data(instance)).live_routers(instance)

    def of(wanted: RouterReference, *of_route: Any) -> OfOrganisation:
        found = live.of(wanted, *of_route)
        live.load()
        return found

    return of


def _guarantees(config: Config, alias: str) -> bool:
    terms = next((one.quality for one in config.routes if one.alias == alias), None)
    return terms is not None and terms.guarantee is not None


def _shares(instance: Instance) -> dict[About, float]:
    if instance.database_url == instance.data.database_url and not instance.data.database.is_file():
        return {}  # it was never started: nothing is proven
    with stored_data(instance) as stored:
        return {one.about: one.floor.share for one in stored.floors().read()[1]}


def status(place: Place, alias: str, org: str, *, as_json: bool) -> None:
    """Print what is proven of a route for an organisation. Raises NotFound, InvalidRequest."""
    instance = find_instance(*place)
    served = served_now(instance, partial(click.echo, err=True))
    with stored_data(instance) as stored:
        version = stored.router_version(instance)
        told = floor_of(served.config, alias, org, stored.floors(), router_version=version)
    if as_json:
        print_json(told)
    else:
        _print_status(told)


def _print_status(told: FloorStatus) -> None:
    click.echo(f"{told.route}: {told.share:.0%} of {told.org}'s requests may leave the baseline")
    click.echo(f"margin {told.margin:g}, alpha {told.alpha:g}; taken back {told.taken_back} times")
    click.echo(
        f"compared: {told.better} better, {told.equal} equal, {told.worse} worse; "
        f"mean loss {told.mean_loss:.4f}"
        + ("" if told.loss_at_most is None else f", at most {told.loss_at_most:.4f}")
    )
    for one in told.moves:
        move = one.move
        now = "" if one.policy == told.policy else " (other terms)"
        click.echo(
            f"{time_text(one.at_ns)} {move.before:.0%} -> {move.after:.0%}, {move.reason.value}: "
            f"{move.pairs.count} pairs, mean loss {move.mean_loss:.4f}, "
            f"at most {move.loss_at_most:.4f}{now}"
        )


def _print(told: Explanation) -> None:
    click.echo(f"{told.route}: strategy {told.strategy}, baseline {told.baseline}")
    if told.rule:
        click.echo(f"rule: {told.rule}")
    for what, rules in (("failed", told.failed_rules), ("left nothing", told.emptied_rules)):
        if rules:
            click.echo(f"rules passed over, {what}: {', '.join(rules)}")
    for name, value in told.features.items():
        click.echo(f"  {name} = {value!r}")
    if told.floor is not None:
        click.echo(f"floor {told.floor:g}, about {told.input_tokens} input tokens")
    if told.router:
        click.echo(f"router {told.router}")
    if told.freedom is not None:
        click.echo(f"a share of {told.freedom:g} may leave the baseline")
    for draw in told.draws:
        click.echo(f"drawn: {draw:.4f}")
    for one in told.considered:
        click.echo(_line(one))


def _line(one: Considered) -> str:
    place = "  -" if one.place is None else f"{one.place:>3}"
    parts = [f"{place} {one.deployment}: {one.reason}"]
    if one.quality is not None and one.interval is not None:
        low, high = one.interval
        parts.append(f"quality {one.quality:.3f} [{low:.3f}, {high:.3f}]")
    if one.expected_cost_usd is not None:
        parts.append(f"about {one.expected_cost_usd} USD")
    return "; ".join(parts)


def _dollars(usd: str | None) -> str:
    return "an unknown price" if usd is None else f"{usd} USD"
