"""What `legato ledger correct` and its like do."""

from typing import Any, NamedTuple

import click

from legato.accounting.rooms import AccountingRooms
from legato.app.desks.accounting import books_of as books_of  # noqa: PLC0414 - for the command
from legato.cli.options import print_json
from legato.cli.spans import time_text
from legato.cli.tables import print_table
from legato.core.errors import InvalidRequest
from legato.core.money import NanoUSD, amount, display_usd, exact_usd
from legato.storage.accounting.corrections import (
    ASKED,
    BY_HAND,
    POSTED,
    Correction,
    Wanted,
)


class Said(NamedTuple):
    """What an entry did cost, in dollars, and why."""

    cost: str
    reason: str
    baseline: str | None = None
    invoice: str | None = None


def correct(
    rooms: AccountingRooms,
    entry: int,
    said: Said,
    *,
    as_json: bool,
) -> None:
    """Correct an entry."""
    if said.invoice:
        rooms.invoices.store.get(said.invoice)
    wanted = Wanted(
        entry_id=entry,
        cost=_amount(said.cost, "cost"),
        baseline_cost=None if said.baseline is None else _amount(said.baseline, "baseline"),
        reason=said.reason,
        source=f"invoice/{said.invoice}" if said.invoice else BY_HAND,
    )
    _print(rooms.corrections.correct(wanted), as_json=as_json)


def decide(rooms: AccountingRooms, correction: str, *, approve: bool, as_json: bool) -> None:
    """Approve or refuse one that was asked for."""
    _print(rooms.corrections.decide(correction, approve=approve), as_json=as_json)


def list_corrections(rooms: AccountingRooms, count: int, *, as_json: bool) -> None:
    """Print the newest."""
    found = rooms.corrections.page(count)
    if as_json:
        print_json([shown(one) for one in found])
        return
    columns = ("id", "entry", "cost $", "state", "asked by", "at", "reversal", "replaced by", "why")
    print_table(columns, [_row(one) for one in found], numbers=("entry", "cost $"))


def shown(one: Correction) -> dict[str, Any]:
    """Return a correction as it is shown."""
    return {
        "id": one.id,
        "entry": one.entry_id,
        "cost_usd": _exact(one.cost),
        "baseline_usd": _exact(one.baseline_cost),
        "reason": one.reason,
        "source": one.source,
        "state": one.state,
        "asked_by": one.asked_by,
        "asked_at": time_text(one.asked_at_ns),
        "decided_by": one.decided_by,
        "decided_at": time_text(one.decided_at_ns),
        "reversal": one.reversal_id,
        "replacement": one.replacement_id,
    }


def _print(one: Correction, *, as_json: bool) -> None:
    if as_json:
        print_json(shown(one))
    elif one.state == ASKED:
        click.echo(f"Correction {one.id} waits: another person approves it with")
        click.echo(f"  legato ledger approve {one.id}")
    elif one.state == POSTED:
        click.echo(
            f"Entry {one.entry_id} is reversed by entry {one.reversal_id} and replaced by "
            f"entry {one.replacement_id}."
        )
    else:
        click.echo(f"Correction {one.id} is {one.state}.")


def _row(one: Correction) -> tuple[str, ...]:
    return (
        one.id,
        str(one.entry_id),
        "" if one.cost is None else display_usd(NanoUSD(one.cost)),
        one.state,
        one.asked_by,
        time_text(one.asked_at_ns),
        "" if one.reversal_id is None else str(one.reversal_id),
        "" if one.replacement_id is None else str(one.replacement_id),
        one.reason,
    )


def _amount(text: str, option: str) -> int:
    try:
        return amount(text)
    except ValueError as error:
        raise InvalidRequest(f"--{option}: {error}", param=option) from None


def _exact(nano: int | None) -> str | None:
    return None if nano is None else exact_usd(NanoUSD(nano))
