"""What `legato anomalies` does."""

from pathlib import Path
from typing import Any

import click

from legato.app.checks.instance import Instance, find_instance
from legato.app.desks.anomalies import anomalies_at, usage_of
from legato.app.desks.stored_data import stored_data
from legato.audit.acting import acting
from legato.cli.options import print_json
from legato.cli.spans import time_text
from legato.cli.tables import print_table
from legato.core.money import NanoUSD, display_usd, exact_usd
from legato.economics.anomalies.explaining import FACTORS, OfModel
from legato.storage.anomalies.found import Anomaly

Place = tuple[Path, Path | None]
_HOUR_NS = 3_600_000_000_000
_SAYS = {
    "volume": "more or fewer requests",
    "cache": "answered by the cache or not",
    "retries": "attempts for each request",
    "mix": "which models answer",
    "tokens": "tokens of each attempt",
    "price": "what a token costs",
}


def list_anomalies(place: Place, count: int, *, open_only: bool, as_json: bool) -> None:
    """Print the newest."""
    found = anomalies_at(_checked(place).database_url).page(count, open_only=open_only)
    if as_json:
        print_json([shown(one) for one in found])
        return
    columns = ("id", "from", "hours", "org", "team", "feature", "cost", "usual", "z", "by")
    print_table(columns, [_row(one) for one in found], numbers=("hours", "cost", "usual", "z"))


def show(place: Place, anomaly_id: str, *, as_json: bool) -> None:
    """Print one."""
    one = anomalies_at(_checked(place).database_url).get(anomaly_id)
    if as_json:
        print_json(shown(one))
        return
    _print(one)


def explain(place: Place, anomaly_id: str, *, as_json: bool) -> None:
    """Print one with its models, in the hours it is of and in those it is held against."""
    instance = _checked(place)
    one = anomalies_at(instance.database_url).get(anomaly_id)
    before, after = usage_of(instance.database_url, one)
    names = sorted({*before.models, *after.models})
    nothing = OfModel()
    rows = [(name, before.models.get(name, nothing), after.models.get(name, nothing))
            for name in names]  # fmt: skip
    if as_json:
        models = [{"model": name, "before": was, "after": now} for name, was, now in rows]
        print_json({**shown(one), "models": models})
        return
    _print(one)
    click.echo("")
    print_table(
        ("model", "attempts", "before", "tokens", "before", "cost", "before"),
        [
            (name, f"{now.attempts:,}", f"{was.attempts:,}", f"{now.tokens:,}", f"{was.tokens:,}",
             _usd(now.cost), _usd(was.cost))
            for name, was, now in rows
        ],
    )  # fmt: skip


def acknowledge(place: Place, anomaly_id: str) -> None:
    """Say that one is dealt with."""
    actor = acting().actor
    store = anomalies_at(_checked(place).database_url)
    one = store.acknowledge(anomaly_id, f"{actor.kind}:{actor.id}")
    click.echo(f"{one.feature} of {one.team} ({one.id}) is acknowledged.")


def shown(one: Anomaly) -> dict[str, Any]:
    """Return one as JSON has it; amounts in dollars, exactly."""
    return {
        "id": one.id,
        "org": one.org,
        "team": one.team,
        "feature": one.feature,
        "from": time_text(one.first_hour * _HOUR_NS),
        "to": time_text((one.last_hour + 1) * _HOUR_NS),
        "found_at": time_text(one.found_at_ns),
        "cost": exact_usd(NanoUSD(one.cost)),
        "expected": exact_usd(NanoUSD(one.expected)),
        "at_stake": exact_usd(NanoUSD(one.at_stake)),
        "z": round(one.z, 2),
        "model": one.model,
        "reference_from": time_text(one.reference_hour * _HOUR_NS),
        "reference_cost": exact_usd(NanoUSD(one.reference_cost)),
        "parts": {name: exact_usd(NanoUSD(part)) for name, part in one.parts.items()},
        "acknowledged_by": one.acknowledged_by or None,
    }


def _checked(place: Place) -> Instance:
    instance = find_instance(*place)
    with stored_data(instance):  # says what to do where the database isn't this code's
        return instance


def _print(one: Anomaly) -> None:
    hours = one.last_hour - one.first_hour + 1
    click.echo(f"{one.feature} of {one.team}, {one.org} ({one.id})")
    click.echo(f"{time_text(one.first_hour * _HOUR_NS)}, {hours} hours, z {one.z:.1f}")
    click.echo(f"spent {_usd(one.cost)}, usual {_usd(one.expected)}: "
               f"{_usd(one.at_stake)} at stake")  # fmt: skip
    if one.acknowledged_by:
        click.echo(f"acknowledged by {one.acknowledged_by}")
    change = one.cost - one.reference_cost
    then = time_text(one.reference_hour * _HOUR_NS)
    click.echo(f"\nagainst {then} ({_usd(one.reference_cost)}) it is {_usd(change)} more:")
    for name in FACTORS:
        click.echo(f"  {name:<8} {_usd(one.parts[name]):>14}  {_SAYS[name]}")
    click.echo(f"the model that changed most: {one.model or 'none'}")


def _row(one: Anomaly) -> tuple[str, ...]:
    by = max(one.parts, key=lambda name: abs(one.parts[name]), default="")
    return (
        one.id, time_text(one.first_hour * _HOUR_NS), str(one.last_hour - one.first_hour + 1),
        one.org, one.team, one.feature, _usd(one.cost), _usd(one.expected), f"{one.z:.1f}",
        f"{by} ({one.model})",
    )  # fmt: skip


def _usd(amount: int) -> str:
    return f"{'-' if amount < 0 else ''}${display_usd(NanoUSD(abs(amount)))}"
