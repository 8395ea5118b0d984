"""`legato rates`: what a currency was worth on a day, and who says so."""

from pathlib import Path

import click

from legato.cli.accounting.periods import org_option
from legato.cli.options import instance_options, json_option


@click.group()
def rates() -> None:
    """Import, set and list rates. Nothing is converted by a rate that isn't there."""


@rates.command("import")
@instance_options
@org_option
@click.option("--source", required=True, help="Whose they are, as ECB.")
@click.option("--only", multiple=True, metavar="CODE", help="Only these currencies.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_rates(
    config_file: Path | None,
    data: Path,
    *,
    org: str,
    source: str,
    only: tuple[str, ...],
    file: Path,
) -> None:
    """Import a CSV: the European Central Bank's, or day, base, quote, rate.

    The first has a column Date and one for each currency, in units per euro (`eurofxref-hist.csv`).
    """
    from legato.accounting.rate_files import read_rates  # noqa: PLC0415 - keeps `--help` fast
    from legato.cli.accounting.period_actions import opened  # noqa: PLC0415

    found = read_rates(file, source, frozenset(only))
    with opened((data, config_file), org) as rooms:
        changed = rooms.rates.put(found)
    click.echo(f"{changed} of {len(found)} rates are new or changed.")


@rates.command("set")
@instance_options
@org_option
@click.option("--day", required=True, help="As 2026-10-01.")
@click.option("--source", required=True, help="Whose it is, as a contract.")
@click.argument("base")
@click.argument("quote")
@click.argument("rate")
def set_rate(
    config_file: Path | None, data: Path, *, org: str, day: str, source: str, **said: str
) -> None:
    """Set one by hand: how many QUOTE one BASE was on a day."""
    from legato.accounting.rate_files import checked_rate  # noqa: PLC0415
    from legato.cli.accounting.period_actions import opened  # noqa: PLC0415

    one = checked_rate((day, said["base"], said["quote"], said["rate"]), source)
    with opened((data, config_file), org) as rooms:
        rooms.rates.put([one])
    click.echo(f"1 {one.base} is {said['rate']} {one.quote} on {day}.")


@rates.command("list")
@instance_options
@json_option
@org_option
@click.option("--currency", default="", help="Only of this one.")
@click.option("-n", "--count", type=click.IntRange(1, 10_000), default=20, show_default=True)
def list_rates(
    config_file: Path | None, data: Path, *, as_json: bool, org: str, currency: str, count: int
) -> None:
    """List rates, newest day first."""
    from legato.cli.accounting.period_actions import opened  # noqa: PLC0415
    from legato.cli.options import print_json  # noqa: PLC0415
    from legato.cli.tables import print_table  # noqa: PLC0415
    from legato.economics.exchange import rate_text  # noqa: PLC0415

    with opened((data, config_file), org) as rooms:
        found = rooms.rates.page(count, currency)
    rows = [
        (one.day.isoformat(), one.base, one.quote, rate_text(one.units), one.source)
        for one in found
    ]
    columns = ("day", "base", "quote", "rate", "source")
    if as_json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        print_table(columns, rows, numbers=("rate",))
