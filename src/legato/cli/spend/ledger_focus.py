"""What `legato ledger focus` does."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import click
import msgspec

from legato.accounting.focus import VERSION, by_day, by_entry, write_csv, write_parquet
from legato.app.desks.accounting import books_of
from legato.app.desks.stored_data import StoredData
from legato.cli.spend.ledger_actions import record_export
from legato.cli.spend.ledger_export import whole_file
from legato.core.tenant import Tenant
from legato.storage.ledger.entries import EntryFilter, Row

OPTIONS: Final = ("period", "grain", "form", "without_unpriced", "output")


def focus(stored: StoredData, org: str, wanted: EntryFilter, said: Mapping[str, Any]) -> None:
    """Write an organisation's entries to a file."""
    books = books_of(stored, org).books
    if said["period"]:
        period = books.find(said["period"]).period
        wanted = msgspec.structs.replace(wanted, since_ns=period.start_ns, until_ns=period.end_ns)
    record_export(stored, wanted, "focus")
    entries = stored.tenant_entries(Tenant(org)).export_rows(wanted)
    if said["without_unpriced"]:
        entries = _priced(entries)
    shaped = (by_day if said["grain"] == "day" else by_entry)(entries, books.terms().calendar)
    with whole_file(said["output"]) as binary:
        count = (write_csv if said["form"] == "csv" else write_parquet)(shaped, binary)
    click.echo(f"{said['output']}: {count} rows of FOCUS {VERSION}.")


def _priced(entries: Iterator[Row]) -> Iterator[Row]:
    left = 0
    for entry in entries:
        if entry["cost"] is None:
            left += 1
        else:
            yield entry
    if left:
        click.echo(f"{left} entries without a price are left out.", err=True)
