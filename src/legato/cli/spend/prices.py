"""`legato prices`: what each deployment charges, and which have no price."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from legato.cli.options import instance_options, json_option, print_json
from legato.core.money import exact_usd, full_usd, usd_per_mtok
from legato.core.price import Price
from legato.core.usage import TOKEN_CLASSES

if TYPE_CHECKING:
    from legato.app.prices.pricing import PricedDeployment

_COLUMNS = ("in_uncached", "out_text", "cache_read", "cache_write_5m", "cache_write_1h")


@click.group()
def prices() -> None:
    """Look at prices."""


@prices.command("list")
@instance_options
@json_option
def list_prices(config_file: Path | None, data: Path, *, as_json: bool) -> None:
    """List each deployment's price per million tokens, as a start would use it now."""
    from legato.app.checks.instance import find_instance  # noqa: PLC0415 - keeps `--help` fast
    from legato.app.desks.served_now import served_now  # noqa: PLC0415
    from legato.app.prices.price_book import PriceBook  # noqa: PLC0415
    from legato.app.prices.pricing import priced_deployments  # noqa: PLC0415
    from legato.core.clock import SystemClock  # noqa: PLC0415

    instance = find_instance(data, config_file)
    book = PriceBook(instance.data.cache, SystemClock())
    served = served_now(instance, partial(click.echo, err=True))
    rows = priced_deployments(served.config, book.ask)
    if as_json:
        print_json({"currency": "USD", "deployments": [_described(row) for row in rows]})
        return
    _print_table([row for row in rows if row.price is not None])
    for row in rows:
        _print_remarks(row)


def _described(row: "PricedDeployment") -> dict[str, Any]:
    price = row.price
    return {
        "deployment": row.deployment,
        "provider": row.provider,
        "model": row.model,
        "priced": price is not None,
        "usd_per_mtok": None if price is None else _classes(price),
        "unit": None if price is None or not price.unit else _unit(price),
        "machine_hour_usd": None if price is None else exact_usd(price.machine_hour),
        "version": None if price is None else price.version,
        "source": None if price is None else price.source,
        "catalogue_model": row.matched or None,
        "reason": row.reason or None,
        "notes": list(row.notes),
        "changes_on": row.until or None,
    }


def _classes(price: Price) -> dict[str, str]:
    return {name: usd_per_mtok(getattr(price, name)) for name in TOKEN_CLASSES}


def _unit(price: Price) -> dict[str, object]:
    return {"name": price.unit, "usd": full_usd(price.units), "per": price.units_per}


def _print_table(rows: "list[PricedDeployment]") -> None:
    from rich.console import Console  # noqa: PLC0415 - keeps `--help` fast
    from rich.table import Table  # noqa: PLC0415

    table = Table(
        "deployment",
        "model",
        *(name.replace("_", " ") for name in _COLUMNS),
        "other",
        "source",
        "version",
        title="USD per million tokens",
        title_justify="left",
    )
    for row in rows:
        if row.price is not None:
            shown = _classes(row.price)
            table.add_row(
                row.deployment,
                row.model,
                *(shown[name] for name in _COLUMNS),
                _other(row.price, shown),
                row.price.source,
                row.price.version,
            )
    if rows:
        # a pipe has no width: whole lines are worth more there than a frame that fits
        console = Console()
        Console(width=None if console.is_terminal else 240).print(table)


def _other(price: Price, shown: dict[str, str]) -> str:
    """Name the classes that don't cost what plain input and output do, and a machine's hour."""
    plain = {"in": shown["in_uncached"], "out": shown["out_text"]}
    parents = {
        "reasoning": "out", "audio_in": "in", "audio_out": "out", "image_in": "in",
        "image_out": "out",
    }  # fmt: skip
    other = [
        f"{name.replace('_', ' ')} {shown[name]}"
        for name, parent in parents.items()
        if shown[name] != plain[parent]
    ]
    if price.machine_hour:
        other.append(f"machine hour {exact_usd(price.machine_hour).rstrip('0').rstrip('.')}")
    if price.unit:
        other.append(f"{full_usd(price.units)} per {price.units_per:,} {price.unit}")
    return ", ".join(other)


def _print_remarks(row: "PricedDeployment") -> None:
    if row.price is None:
        click.secho(f"UNPRICED {row.deployment} ({row.model}): ", nl=False, bold=True, fg="red")
        click.echo(row.reason)
    for note in row.notes:
        click.echo(f"{row.deployment}: {note}")
    if row.until:
        click.echo(f"{row.deployment}: the catalogue has another price from {row.until}")
