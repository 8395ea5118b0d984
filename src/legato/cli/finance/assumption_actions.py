"""What `legato assumptions` does."""

import csv
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from legato.audit.acting import acting
from legato.cli.finance.desk import Place, books
from legato.cli.finance.row_files import read_rows
from legato.cli.options import print_json
from legato.cli.spans import time_text
from legato.cli.tables import print_table
from legato.core.tenant import Tenant
from legato.economics.finance.assumptions import SHIPPED, Assumption, Said
from legato.economics.finance.known import KNOWN

_COLUMNS = ("name", "value", "low", "high", "unit", "tag", "version", "from", "source")


def list_assumptions(
    place: Place, wanted: tuple[str, str], *, everything: bool, as_json: bool
) -> None:
    """Print what holds."""
    org, on = wanted
    with books(place) as desk:
        found = desk.assumptions(Tenant(org), on)
    if as_json:
        print_json([msgspec.structs.asdict(one) for one in found])
        return
    rows = [_row(one) for one in found]
    if everything:
        said = {one.name.partition("@")[0] for one in found}
        rows += [
            (name if name != "fx." else "fx.CUR", "", "", "", one.unit, "", "", "", one.means)
            for name, one in KNOWN.items()
            if name not in said
        ]
    print_table(_COLUMNS, rows)


def say(place: Place, org: str, said: Mapping[str, str], *, as_json: bool) -> None:
    """Keep one and print it."""
    with books(place) as desk:
        made = desk.say(Tenant(org), [Said(**said)], author())
    _print(made, as_json=as_json)


def withdraw(place: Place, org: str, wanted: tuple[str, str], *, as_json: bool) -> None:
    """Take one back and print that version."""
    with books(place) as desk:
        made = desk.withdraw(Tenant(org), *wanted, author())
    _print([made], as_json=as_json)


def history(place: Place, org: str, name: str, *, as_json: bool) -> None:
    """Print all versions of one."""
    with books(place) as desk:
        found = desk.history(Tenant(org), name)
    if as_json:
        print_json([msgspec.structs.asdict(one) for one in found])
        return
    columns = (*_COLUMNS, "by", "at")
    rows = [(*_row(one), one.author, time_text(one.at_ns or None)) for one in found]
    print_table(columns, rows)


def import_file(place: Place, org: str, file: Path, *, as_json: bool) -> None:
    """Keep all of a file."""
    said = read_rows(file, Said)
    with books(place) as desk:
        made = desk.say(Tenant(org), said, author())
    _print(made, as_json=as_json)


def export(place: Place, org: str, on: str) -> None:
    """Write what was set as CSV."""
    with books(place) as desk:
        found = desk.assumptions(Tenant(org), on)
    names = Said.__struct_fields__
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(names)
    for one in found:
        if one.version != SHIPPED:
            writer.writerow([getattr(one, name) for name in names])


def author() -> str:
    """Return as whom a person at this terminal is written down."""
    actor = acting().actor
    return f"{actor.kind}:{actor.id}"


def _print(made: Sequence[Assumption], *, as_json: bool) -> None:
    if as_json:
        shown: list[dict[str, Any]] = [msgspec.structs.asdict(one) for one in made]
        print_json(shown)
        return
    for one in made:
        value = one.value or "taken back"
        click.echo(f"{one.name} v{one.version}: {value} {one.unit} ({one.tag}), {one.source}")


def _row(one: Assumption) -> tuple[str, ...]:
    version = "ships" if one.version == SHIPPED else str(one.version)
    return (
        one.name,
        one.value or "(taken back)",
        one.low,
        one.high,
        one.unit,
        one.tag,
        version,
        one.valid_from,
        one.source,
    )
