"""What `legato holdout` does."""

import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import msgspec

from legato.app.checks.instance import find_instance
from legato.app.desks.stored_data import stored_data
from legato.cli.options import print_json
from legato.cli.spans import time_text
from legato.cli.tables import print_table
from legato.core.money import NanoUSD, display_usd
from legato.registry.holdouts import Compared, Estimate, Holdouts
from legato.storage.registry.holdouts import Holdout

_BP_PER_PERCENT = 100
_HOURS_PER_DAY = 24


@contextmanager
def _opened(config_file: Path | None, data: Path, *, org: str, **_: Any) -> Iterator[Holdouts]:
    with stored_data(find_instance(data, config_file)) as stored:
        yield stored.holdouts(org)


def estimate(*, route: str, share_bp: int, as_json: bool, **options: Any) -> None:
    """Print what a holdout would cost in a month."""
    with _opened(**options) as holdouts:
        found = holdouts.estimate(route, share_bp)
    if as_json:
        print_json(msgspec.to_builtins(found))
    else:
        click.echo(_cost(found))


def start(
    *,
    route: str,
    share_bp: int,
    author: str | None,
    reason: str,
    as_json: bool,
    yes: bool,
    **options: Any,
) -> None:
    """Show the cost, ask, and begin."""
    with _opened(**options) as holdouts:
        found = holdouts.estimate(route, share_bp)
        click.echo(_cost(found), err=as_json)
        if not yes:
            click.confirm("Begin it?", abort=True, err=as_json)
        begun = holdouts.start(
            route, share_bp, found.per_month, author=_author(author), reason=reason
        )
    if as_json:
        print_json(_shown(begun))
    else:
        click.echo(f"holdout {begun.id} of {begun.route} has begun")


def list_holdouts(*, count: int, as_json: bool, **options: Any) -> None:
    """Print holdouts, newest first."""
    with _opened(**options) as holdouts:
        found = holdouts.store.page(count)
    if as_json:
        print_json([_shown(one) for one in found])
        return
    print_table(
        ("id", "route", "share", "started", "ended", "by"),
        [
            (
                one.id,
                one.route,
                f"{one.share_bp / _BP_PER_PERCENT:g} %",
                time_text(one.started_at_ns),
                "" if one.ended_at_ns is None else time_text(one.ended_at_ns),
                one.author,
            )
            for one in found
        ],
    )


def show(*, holdout_id: str, as_json: bool, **options: Any) -> None:
    """Print what a holdout proves."""
    with _opened(**options) as holdouts:
        found = holdouts.store.get(holdout_id)
        statement = holdouts.statement(found)
    if as_json:
        figures = {**msgspec.to_builtins(statement), "saved_usd": statement.saved_usd}
        print_json({**_shown(found), "headline": statement.headline, "statement": figures})
        return
    share = f"{found.share_bp / _BP_PER_PERCENT:g} % of callers"
    click.echo(f"{found.route}, {share} since {time_text(found.started_at_ns)}")
    click.echo(statement.headline)
    if statement.relative is not None:
        one = statement.relative
        word = "less" if one.difference < 0 else "more"
        click.echo(
            f"a request costs {abs(one.difference):.1%} {word} than in the holdout "
            f"(95 %: {one.low:+.1%} to {one.high:+.1%})"
        )
    modelled = statement.modelled.baseline_cost - statement.modelled.cost
    click.echo(f"modelled by prices alone: ${display_usd(NanoUSD(modelled))}")
    print_table(("metric", "holdout", "treated", "difference", "95 %"), _rows(statement.metrics))
    click.echo(
        f"{statement.held_out} of {statement.requests} requests held out, of about "
        f"{statement.held_out_users:g} users"
    )


def end(*, holdout_id: str, author: str | None, reason: str, **options: Any) -> None:
    """End a holdout."""
    del reason
    with _opened(**options) as holdouts:
        ended = holdouts.store.end(holdout_id, _author(author))
    click.echo(f"holdout {ended.id} of {ended.route} has ended")


def _rows(metrics: tuple[Compared, ...]) -> list[tuple[str, ...]]:
    return [
        (
            one.metric,
            _number(one.holdout),
            _number(one.treated),
            "" if one.interval is None else f"{one.interval.difference:+.6g}",
            "" if one.interval is None else f"{one.interval.low:+.6g} to {one.interval.high:+.6g}",
        )
        for one in metrics
    ]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _cost(found: Estimate) -> str:
    traffic = found.traffic
    return (
        f"{found.share_bp / _BP_PER_PERCENT:g} % of callers of {found.route} at its baseline cost "
        f"about ${display_usd(found.per_month)} a month more: {traffic.requests} requests of "
        f"{_span(found.days)} cost ${display_usd(NanoUSD(traffic.cost))}, at the baseline "
        f"${display_usd(NanoUSD(traffic.baseline_cost))}"
        + (f"; {traffic.unpriced} entries have no price" if traffic.unpriced else "")
    )


def _span(days: float) -> str:
    if days >= 1:
        return f"{days:.1f} days"
    return f"{days * _HOURS_PER_DAY:.1f} hours, which tell little of a month,"


def _author(author: str | None) -> str:
    return f"operator:{author or pwd.getpwuid(os.getuid()).pw_name}"


def _shown(one: Holdout) -> dict[str, Any]:
    return {
        "id": one.id,
        "route": one.route,
        "share_bp": one.share_bp,
        "author": one.author,
        "reason": one.reason,
        "started": time_text(one.started_at_ns),
        "ended": None if one.ended_at_ns is None else time_text(one.ended_at_ns),
        "ended_by": one.ended_by,
    }
