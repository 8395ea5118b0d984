"""What `legato periods` does."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from legato.accounting.books import PeriodState, PeriodView
from legato.accounting.rooms import AccountingRooms
from legato.app.checks.instance import find_instance
from legato.app.desks.accounting import books_of
from legato.app.desks.stored_data import stored_data
from legato.cli.options import print_json
from legato.cli.spans import time_text
from legato.cli.tables import print_table
from legato.core.errors import InvalidRequest
from legato.core.money import NanoUSD, display_usd, exact_usd
from legato.economics.fiscal import Calendar
from legato.storage.accounting.periods import ClosedPeriod, Sums, Terms

Place = tuple[Path, Path | None]
_OF_CALENDAR: Final = frozenset(Calendar.__struct_fields__)
_ACCRUAL_COLUMNS: Final = (
    "provider", "entries", "cost $", "estimated $", "provisional $", "invoiced $", "accrue $",
)  # fmt: skip


@contextmanager
def opened(place: Place, org: str) -> Iterator[AccountingRooms]:
    """Open an organisation's books."""
    with stored_data(find_instance(*place)) as stored:
        yield books_of(stored, org)


def calendar(place: Place, org: str, terms: Mapping[str, Any], *, as_json: bool) -> None:
    """Print the terms, changed by what is given."""
    given = {name: value for name, value in terms.items() if value is not None}
    with opened(place, org) as rooms:
        found = rooms.books.terms()
        if given:
            found = rooms.books.set_terms(changed_terms(found, given))
    shown = {**msgspec.to_builtins(found.calendar), **terms_shown(found)}
    if as_json:
        print_json(shown)
        return
    for name, value in shown.items():
        click.echo(f"{name:<12} {value}")


def changed_terms(terms: Terms, given: Mapping[str, Any]) -> Terms:
    """Return terms with what is given changed. Raises InvalidRequest."""
    dated = {name: value for name, value in given.items() if name in _OF_CALENDAR}
    rest = {name: value for name, value in given.items() if name not in _OF_CALENDAR}
    calendar = {**msgspec.to_builtins(terms.calendar), **dated}
    try:
        changed = msgspec.convert(calendar, Calendar)
    except msgspec.ValidationError as error:
        raise InvalidRequest(str(error)) from None
    return msgspec.structs.replace(terms, calendar=changed, **rest)


def terms_shown(terms: Terms) -> dict[str, Any]:
    """Return what is shown of terms beside their calendar."""
    return {"currency": terms.currency, "four_eyes": terms.four_eyes, "version": terms.version}


def list_periods(place: Place, org: str, *, as_json: bool) -> None:
    """Print all periods."""
    with opened(place, org) as rooms:
        found = rooms.books.periods()
    if as_json:
        print_json([_shown(one) for one in found])
        return
    columns = ("period", "from", "until", "state", "closed", "entries", "cost $")
    print_table(columns, [_row(one) for one in found], numbers=("entries", "cost $"))


def show(place: Place, org: str, name: str, *, as_json: bool) -> None:
    """Print one period, what remains of it and what is to be accrued."""
    with opened(place, org) as rooms:
        view = rooms.books.show(name)
    if as_json:
        print_json(_view_shown(view))
        return
    for field, value in _shown(view.state).items():
        click.echo(f"{field:<14} {value}")
    for one in view.remaining:
        click.echo(f"remains        {one.count} {one.kind} (first: {one.first})")
    rows = [
        (one.provider, str(one.entries), *(_usd(amount) for amount in (
            one.cost, one.estimated, one.provisional, one.invoiced, one.accrued)))
        for one in view.accruals
    ]  # fmt: skip
    print_table(_ACCRUAL_COLUMNS, rows, numbers=_ACCRUAL_COLUMNS[1:])
    click.echo(f"To be accrued: ${display_usd(NanoUSD(view.accrued))}")


def close(place: Place, org: str, what: tuple[str, tuple[str, ...]], *, as_json: bool) -> None:
    """Close one period and print what was closed."""
    name, accept = what
    with opened(place, org) as rooms:
        closed = rooms.books.close(name, _accepted(accept))
    if as_json:
        print_json(closed_shown(closed))
        return
    cost = exact_usd(NanoUSD(closed.sums.cost))
    click.echo(f"Period {name} is closed: {closed.sums.entries} entries, cost ${cost}.")
    click.echo(f"Its root {closed.sums.root} is event {closed.event} of the audit log.")


def verify(place: Place, org: str, name: str, *, as_json: bool) -> bool:
    """Print whether a closed period is as it was."""
    with opened(place, org) as rooms:
        found, told = rooms.books.verify(name)
    if as_json:
        print_json({"period": name, "ok": not told, "told": told, **sums_shown(found)})
    elif told:
        click.echo(f"WRONG: period {name}: {told}; `legato audit verify` names the first entry.")
    else:
        click.echo(f"Period {name} is as it was closed: {found.entries} entries, {found.root}.")
    return not told


def closed_shown(closed: ClosedPeriod) -> dict[str, Any]:
    """Return a closed period as it is shown."""
    return {
        "period": closed.name,
        "from": time_text(closed.start_ns),
        "until": time_text(closed.end_ns),
        "state": closed.state,
        "closed_at": time_text(closed.closed_at_ns),
        "accepted": closed.accepted,
        "accrued_usd": exact_usd(NanoUSD(closed.accrued)),
        "event": closed.event,
        **sums_shown(closed.sums),
    }


def sums_shown(sums: Sums) -> dict[str, Any]:
    """Return the sums of a period as they are shown."""
    return {
        "entries": sums.entries,
        "cost_usd": exact_usd(NanoUSD(sums.cost)),
        "baseline_usd": exact_usd(NanoUSD(sums.baseline_cost)),
        "unpriced": sums.unpriced,
        "root": sums.root,
    }


def _accepted(texts: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for text in texts:
        kind, sign, reason = text.partition("=")
        if not sign or not reason.strip():
            msg = f"--accept: write KIND=REASON, not {text!r}"
            raise InvalidRequest(msg, param="accept")
        found[kind.strip()] = reason.strip()
    return found


def _shown(one: PeriodState) -> dict[str, Any]:
    if one.closed is not None:
        return closed_shown(one.closed)
    period = one.period
    return {
        "period": period.name,
        "from": time_text(period.start_ns),
        "until": time_text(period.end_ns),
        "state": one.state,
    }


def _view_shown(view: PeriodView) -> dict[str, Any]:
    accruals = [
        {
            "provider": one.provider,
            "entries": one.entries,
            **{
                f"{name}_usd": None if amount is None else exact_usd(NanoUSD(amount))
                for name, amount in (
                    ("cost", one.cost),
                    ("estimated", one.estimated),
                    ("provisional", one.provisional),
                    ("invoiced", one.invoiced),
                    ("accrued", one.accrued),
                )
            },
        }
        for one in view.accruals
    ]
    return {
        **_shown(view.state),
        "remaining": msgspec.to_builtins(view.remaining),
        "accruals": accruals,
        "to_accrue_usd": exact_usd(NanoUSD(view.accrued)),
    }


def _row(one: PeriodState) -> tuple[str, ...]:
    start, end = time_text(one.period.start_ns), time_text(one.period.end_ns)
    if one.closed is None:
        return one.period.name, start, end, one.state, "", "", ""
    closed = one.closed
    at = time_text(closed.closed_at_ns)
    return (
        one.period.name, start, end, one.state, at, str(closed.sums.entries),
        _usd(closed.sums.cost),
    )  # fmt: skip


def _usd(amount: int | None) -> str:
    return "" if amount is None else display_usd(NanoUSD(amount))
