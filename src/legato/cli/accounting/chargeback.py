"""`legato chargeback`: cost centres, accounts, and the journal of a month."""

from pathlib import Path

import click

from legato.cli.accounting.periods import org_option
from legato.cli.options import instance_options, json_option

_PERIOD = click.argument("period", metavar="PERIOD")
_CURRENCY = click.option("--currency", help="As EUR.  [default: that of the books]")


@click.group()
def chargeback() -> None:
    """Set the rules that charge entries to cost centres; show and export what they charge."""


@chargeback.command("set")
@instance_options
@json_option
@org_option
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def set_rules(config_file: Path | None, data: Path, *, as_json: bool, org: str, file: Path) -> None:
    """Keep a YAML or JSON file of rules as a new version."""
    from legato.cli.accounting import chargeback_actions  # noqa: PLC0415 - keeps `--help` fast

    chargeback_actions.set_rules((data, config_file), org, file, as_json=as_json)


@chargeback.command()
@instance_options
@org_option
def rules(config_file: Path | None, data: Path, *, org: str) -> None:
    """Print the newest version of the rules as JSON."""
    from legato.cli.accounting import chargeback_actions  # noqa: PLC0415

    chargeback_actions.show_rules((data, config_file), org)


@chargeback.command()
@instance_options
@json_option
@org_option
@_CURRENCY
@_PERIOD
def show(
    config_file: Path | None,
    data: Path,
    *,
    as_json: bool,
    org: str,
    currency: str | None,
    period: str,
) -> None:
    """Show what each cost centre bears of a period, the unassigned remainder too."""
    from legato.cli.accounting import chargeback_actions  # noqa: PLC0415

    chargeback_actions.show((data, config_file), org, (period, currency), as_json=as_json)


@chargeback.command()
@instance_options
@org_option
@_CURRENCY
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path))
@_PERIOD
def journal(
    config_file: Path | None,
    data: Path,
    *,
    org: str,
    currency: str | None,
    output: Path | None,
    period: str,
) -> None:
    """Write the period's lines for the general ledger: CSV, debit and credit in whole cents."""
    from legato.cli.accounting import chargeback_actions  # noqa: PLC0415

    chargeback_actions.journal((data, config_file), org, (period, currency), output)
