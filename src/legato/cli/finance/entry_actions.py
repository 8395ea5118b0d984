"""What `legato labour`, `legato revenue` and `legato benefits` do."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
import msgspec

from legato.cli.finance.assumption_actions import author
from legato.cli.finance.desk import Place, books
from legato.cli.finance.row_files import read_rows
from legato.cli.options import print_json
from legato.cli.tables import print_table
from legato.core.errors import InvalidRequest
from legato.core.money import NanoUSD, display_usd, exact_usd
from legato.core.tenant import EVERY_TENANT, Reach, Tenant
from legato.economics.finance.entries import SAID, EntryKind, EntryRow
from legato.storage.finance.entries import Added, EntryFilter

_MILLI = 1000


def add(place: Place, kind: str, said: Mapping[str, Any], *, as_json: bool) -> None:
    """Keep one entry."""
    given = dict(said)
    org, replace = given.pop("org"), given.pop("replace")
    try:
        entry = msgspec.convert(given, SAID[EntryKind(kind)])
    except msgspec.ValidationError as error:
        raise InvalidRequest(str(error)) from None
    with books(place) as desk:
        done = desk.add((Tenant(org), org), [entry], author(), replace=replace)
    _told(done, as_json=as_json)


def import_file(
    place: Place, whose: tuple[str, str], file: Path, *, replace: bool, as_json: bool
) -> None:
    """Keep all of a file."""
    kind, org = whose
    said = read_rows(file, SAID[EntryKind(kind)])
    with books(place) as desk:
        done = desk.add((Tenant(org), org), said, author(), replace=replace)
    _told(done, as_json=as_json)


def list_entries(place: Place, kind: str, wanted: Mapping[str, str], *, as_json: bool) -> None:
    """Print entries."""
    with books(place) as desk:
        store = desk.stores.entries(EntryKind(kind), _reach(wanted))
        rows = list(store.every(_filter(wanted)))
    if as_json:
        print_json([_plain(row) for row in rows])
        return
    columns = ("id", "period", "team", "feature", "what", "USD", "source", "external id")
    print_table(columns, [_row(row) for row in rows], numbers=("USD",))


def sums(place: Place, kind: str, wanted: Mapping[str, str], *, as_json: bool) -> None:
    """Print sums of entries."""
    with books(place) as desk:
        found = desk.stores.entries(EntryKind(kind), _reach(wanted)).sums(_filter(wanted))
    if as_json:
        print_json(
            [
                {**msgspec.structs.asdict(one), "usd": exact_usd(one.usd)}
                | {"quantity": _milli(one.quantity_milli)}
                for one in found
            ]
        )
        return
    columns = ("period", "team", "feature", "what", "quantity", "USD", "rows")
    rows = [
        (
            one.period,
            one.team,
            one.feature,
            one.what,
            _milli(one.quantity_milli),
            display_usd(one.usd),
            str(one.rows),
        )
        for one in found
    ]
    print_table(columns, rows, numbers=("quantity", "USD", "rows"))


def delete(place: Place, entry_id: str) -> None:
    """Forget one entry."""
    with books(place) as desk:
        gone = desk.delete(EVERY_TENANT, entry_id)
    one = gone.entry
    click.echo(f"{gone.id} ({one.period} {one.team}/{one.feature} ${exact_usd(one.usd)}) is gone.")


def _told(done: Added, *, as_json: bool) -> None:
    if as_json:
        print_json(msgspec.structs.asdict(done))
        return
    click.echo(f"{done.added} added, {done.replaced} replaced, {done.unchanged} there already.")


def _reach(wanted: Mapping[str, str]) -> Reach:
    return Tenant(wanted["org"])


def _filter(wanted: Mapping[str, str]) -> EntryFilter:
    return EntryFilter(**{name: value for name, value in wanted.items() if name != "org"})


def _plain(row: EntryRow) -> dict[str, Any]:
    one = row.entry
    return {
        "id": row.id,
        "org": row.org,
        "team": one.team,
        "feature": one.feature,
        "period": one.period,
        "usd": exact_usd(one.usd),
        **_details(one.details),
        "source": one.source,
        "external_id": one.external_id,
        "author": row.author,
    }


def _details(details: Mapping[str, str | int]) -> dict[str, str]:
    shown = {}
    for name, value in details.items():
        if name.endswith("_milli"):
            shown[name.removesuffix("_milli")] = _milli(int(value))
        else:
            shown[name] = exact_usd(NanoUSD(value)) if isinstance(value, int) else value
    return shown


def _row(row: EntryRow) -> tuple[str, ...]:
    one = row.entry
    details = _details(one.details)
    names = ("role", "phase", "activity", "hours", "benefit", "quantity", "currency", "tag")
    what = " ".join(details[name] for name in names if name in details)
    usd = display_usd(one.usd)
    return row.id, one.period, one.team, one.feature, what, usd, one.source, one.external_id


def _milli(number: int) -> str:
    return f"{Decimal(number) / _MILLI:f}"
