"""What `legato invoices` does."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import msgspec

from legato.accounting.invoices.desk import (
    bypass_keys,
    part_shown,
    read_lines,
    reconciliation_shown,
)
from legato.cli.accounting.period_actions import Place, opened
from legato.cli.options import print_json
from legato.cli.spans import time_text
from legato.cli.tables import print_table
from legato.core.errors import InvalidRequest, NotFound
from legato.core.money import NanoUSD, exact_usd
from legato.storage.accounting.invoices import Invoice, VendorKey


def import_invoice(
    place: Place,
    org: str,
    files: tuple[Path, ...],
    said: Mapping[str, str | None],
    *,
    as_json: bool,
) -> None:
    """Import one and print it."""
    rows = read_lines(files, said["vendor"] or "", said["form"] or "auto")
    first, last = (_day_ms(said[name], name) for name in ("first", "last"))
    if (first is None) != (last is None):
        raise InvalidRequest("--from and --until go together", param="from")
    span = None if first is None or last is None else (first, last)
    with opened(place, org) as rooms:
        made = rooms.invoices.put(rows, said["name"] or files[0].name, span)
    if as_json:
        print_json(invoice_shown(made))
    else:
        total = f"{exact_usd(NanoUSD(made.total))} {made.currency}"
        click.echo(f"Invoice {made.id} of {made.vendor}: {made.lines} lines, {total}.")
        click.echo(f"  legato invoices reconcile {made.id}")


def keys(place: Place, org: str, what: tuple[str, str, str | None], *, as_json: bool) -> None:
    """Print the keys of a vendor that are ours, changed where a provider is named."""
    vendor, key, provider = what
    with opened(place, org) as rooms:
        store = rooms.invoices.store
        if provider is not None:
            store.set_key(VendorKey(vendor, key, "" if provider == "-" else provider))
        found = [one for one in store.own_keys() if one.vendor == vendor]
    if as_json:
        print_json(msgspec.to_builtins(found))
        return
    rows = [(one.vendor, one.key or "(account)", one.provider) for one in found]
    print_table(("vendor", "key", "provider"), rows)


def list_invoices(place: Place, org: str, count: int, *, as_json: bool) -> None:
    """Print the newest."""
    with opened(place, org) as rooms:
        found = rooms.invoices.store.page(count)
    if as_json:
        print_json([invoice_shown(one) for one in found])
        return
    columns = ("id", "name", "vendor", "from", "until", "lines", "total", "currency", "state")
    rows = [
        (
            one.id, one.name, one.vendor, time_text(one.start_ns), time_text(one.end_ns),
            str(one.lines), exact_usd(NanoUSD(one.total)), one.currency, one.state,
        )
        for one in found
    ]  # fmt: skip
    print_table(columns, rows, numbers=("lines", "total"))


def reconcile(place: Place, org: str, invoice_id: str, *, as_json: bool) -> None:
    """Print an invoice beside the ledger, by cause."""
    with opened(place, org) as rooms:
        invoice, found = rooms.invoices.reconcile(invoice_id)
    if as_json:
        print_json(reconciliation_shown(invoice, found))
        return
    rows = [("ledger", exact_usd(NanoUSD(found.ledger)))]
    rows += [(cause.value, exact_usd(NanoUSD(amt))) for cause, amt in found.by_cause().items()]
    rows.append(("invoice", exact_usd(NanoUSD(found.invoiced))))
    print_table(("", "USD"), rows, numbers=("USD",))
    if found.shift_ms:
        click.echo(f"Its days begin {found.shift_ms // 60_000} minutes before those of UTC.")
    for key, amount in bypass_keys(found).items():
        click.echo(f"Past the gateway: ${amount} by vendor key {key}.")


def explain(place: Place, org: str, what: tuple[str, str | None], *, as_json: bool) -> None:
    """Print the parts of a difference."""
    invoice_id, cause = what
    with opened(place, org) as rooms:
        _, found = rooms.invoices.reconcile(invoice_id)
    parts = [part_shown(one) for one in found.parts if cause in {None, one.cause.value}]
    if not parts and cause is not None:
        raise NotFound(f"cause: nothing of it is {cause!r}", param="cause")
    if as_json:
        print_json(parts)
        return
    columns = ("cause", "USD", "provider", "model", "day", "vendor key", "tokens", "lines")
    print_table(columns, [_part_row(one) for one in parts], numbers=("USD",))


def decide(place: Place, org: str, what: tuple[str, str], *, accepted: bool) -> None:
    """Accept or dispute one."""
    with opened(place, org) as rooms:
        act = rooms.invoices.accept if accepted else rooms.invoices.dispute
        decided = act(*what)
    click.echo(f"Invoice {decided.id} is {decided.state}.")


def invoice_shown(one: Invoice) -> dict[str, Any]:
    """Return an invoice as it is shown."""
    return {
        "id": one.id,
        "name": one.name,
        "vendor": one.vendor,
        "currency": one.currency,
        "from": time_text(one.start_ns),
        "until": time_text(one.end_ns),
        "lines": one.lines,
        "total": exact_usd(NanoUSD(one.total)),
        "state": one.state,
        "reason": one.reason,
        "decided_by": one.decided_by,
    }


def _part_row(part: Mapping[str, Any]) -> tuple[str, ...]:
    tokens = " ".join(f"{name}={value}" for name, value in part["tokens"].items())
    lines = " ".join(str(line) for line in part["lines"][:10])
    return (
        part["cause"], part["amount_usd"], part["provider"] or "", part["model"] or "",
        part["day"] or "", part["vendor_key"] or "", tokens,
        lines + (" ..." if len(part["lines"]) > 10 else ""),  # noqa: PLR2004 - what a row shows
    )  # fmt: skip


def _day_ms(text: str | None, option: str) -> int | None:
    if text is None:
        return None
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidRequest(f"--{option}: {text!r}: write 2026-10-01", param=option) from None
    read = read if read.tzinfo else read.replace(tzinfo=UTC)
    return int(read.timestamp() * 1000)
