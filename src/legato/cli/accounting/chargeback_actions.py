"""What `legato chargeback` does."""

from pathlib import Path

import click
import msgspec
import yaml

from legato.accounting.charging import (
    UNASSIGNED_SHOWN,
    centres_of,
    charged_shown,
    journal_csv,
)
from legato.cli.accounting.period_actions import Place, opened
from legato.cli.options import print_json
from legato.cli.tables import print_table
from legato.core.errors import InvalidRequest, OperatorError
from legato.core.money import NanoUSD, display_places, display_usd
from legato.economics.chargeback import CostRules

_FILE_BYTES_MAX = 1_000_000


def read_rules(file: Path) -> CostRules:
    """Read rules from YAML, of which JSON is a part. Raises InvalidRequest naming the field."""
    try:
        text = file.read_bytes()
    except OSError as error:
        raise OperatorError(f"{file} can't be read: {error.strerror}") from None
    if len(text) > _FILE_BYTES_MAX:
        raise InvalidRequest(f"{file}: rules of more than {_FILE_BYTES_MAX} bytes")
    try:
        return msgspec.convert(yaml.safe_load(text), CostRules)
    except yaml.YAMLError as error:
        raise InvalidRequest(f"{file}: is no YAML: {error}") from None
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"{file}: {error}") from None


def set_rules(place: Place, org: str, file: Path, *, as_json: bool) -> None:
    """Keep a new version and print it."""
    rules = read_rules(file)
    with opened(place, org) as rooms:
        made = rooms.costs.set_rules(rules)
    if as_json:
        print_json({"version": made.version, "made_by": made.made_by})
    else:
        click.echo(f"Rules {made.version} hold from {rules.valid_from} on.")


def show_rules(place: Place, org: str) -> None:
    """Print the newest version."""
    with opened(place, org) as rooms:
        found = rooms.costs.rules()
    print_json({"version": found.version, **msgspec.to_builtins(found.rules)})


def show(place: Place, org: str, what: tuple[str, str | None], *, as_json: bool) -> None:
    """Print what each cost centre bears."""
    with opened(place, org) as rooms:
        charged = rooms.charging.charge(*what)
    if as_json:
        print_json(charged_shown(charged))
        return
    centres = centres_of(charged)
    places = display_places(NanoUSD(one) for _, own, pooled in centres for one in (own, pooled))

    def text(amount: int) -> str:
        return display_usd(NanoUSD(amount), places)

    rows = [
        (name or UNASSIGNED_SHOWN, text(own), text(pooled), text(own + pooled))
        for name, own, pooled in centres
    ]
    said = charged.statement
    rows.append(("total", text(said.spent), text(said.total - said.spent), text(said.total)))
    columns = ("cost centre", "own use", "shared", f"{charged.currency} in all")
    print_table(columns, rows, numbers=columns[1:])
    click.echo(f"By rules {charged.rules.version}; {text(charged.accrued)} isn't billed yet.")
    for used in charged.rates[:1]:
        sources = ", ".join(sorted({one.source for one in used.rates}))
        click.echo(f"Converted day by day, half-even; rates of {sources}.")


def journal(place: Place, org: str, what: tuple[str, str | None], output: Path | None) -> None:
    """Write the lines of the journal."""
    with opened(place, org) as rooms:
        text = journal_csv(rooms.charging.charge(*what))
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OperatorError(f"{output} can't be written: {error.strerror}") from None
    click.echo(f"{output}: {text.count(chr(10)) - 1} lines.")
