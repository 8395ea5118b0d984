"""What `legato tenants` does."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import click
import msgspec

from legato.app.checks.instance import find_instance
from legato.app.desks.stored_data import stored_data
from legato.cli.options import print_json
from legato.cli.tables import print_table
from legato.core.config_parts import Name
from legato.core.errors import InvalidRequest, NotFound
from legato.storage.tenants.places import Kind, Place, PlaceStore

_KINDS: Final = (Kind.ORGANISATION, Kind.TEAM, Kind.FEATURE)
_PAGE: Final = 500


def list_tenants(where: tuple[Path, Path | None], org: str | None, *, as_json: bool) -> None:
    """Print all places, those of one organisation together."""
    with stored_data(find_instance(*where)) as stored:
        store = stored.places()
        found = [_row(kind, place) for kind in _KINDS for place in _all(store, kind)]
    columns = ("org", "team", "feature", "title")
    rows = [row for row in sorted(found) if org in {None, row[0]}]
    if as_json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
        return
    print_table(columns, rows)


def create(
    *,
    data: Path,
    config_file: Path | None,
    org: str | None,
    team: str | None,
    name: str,
    title: str,
) -> None:
    """Make a place below another that exists."""
    names = _names(org, team, name)
    try:
        msgspec.convert(names[-1], Name)
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"{names[-1]!r} is no name: {error}", param="name") from None
    kind = _KINDS[len(names) - 1]
    with stored_data(find_instance(data, config_file), create=True) as stored:
        store = stored.places()
        above = _find(store, names[:-1]).id if names[1:] else None
        store.create(kind, names[-1], title, above_id=above)
    click.echo(f"{kind} {names[-1]} is made")


def retitle(
    *,
    data: Path,
    config_file: Path | None,
    org: str | None,
    team: str | None,
    name: str,
    title: str,
) -> None:
    """Change the title of a place."""
    names = _names(org, team, name)
    kind = _KINDS[len(names) - 1]
    with stored_data(find_instance(data, config_file)) as stored:
        store = stored.places()
        place = _find(store, names)
        store.retitle(kind, place.id, title, place.version)
    click.echo(f"{kind} {names[-1]} is titled {title!r}")


def _names(org: str | None, team: str | None, name: str) -> list[str]:
    """Return a place's name after those above it. Raises InvalidRequest."""
    if team is not None and org is None:
        raise InvalidRequest("--team is one of an organisation: name it with --org", param="org")
    return [one for one in (org, team, name) if one is not None]


def _find(store: PlaceStore, names: Sequence[str]) -> Place:
    """Return a place by its name after those above it. Raises NotFound."""
    found: Place | None = None
    for kind, name in zip(_KINDS, names, strict=False):
        below = _all(store, kind, None if found is None else found.id)
        found = next((one for one in below if one.name == name), None)
        if found is None:
            raise NotFound(f"there is no {kind} {name!r}; see: legato tenants list", param=kind)
    if found is None:
        msg = "a place has a name"
        raise AssertionError(msg)
    return found


def _all(store: PlaceStore, kind: Kind, above_id: str | None = None) -> Iterator[Place]:
    after = ""
    while rows := store.page(kind, _PAGE, after_id=after, above_id=above_id):
        yield from rows
        after = rows[-1].id


def _row(kind: Kind, place: Place) -> tuple[str, str, str, str]:
    above = {
        Kind.ORGANISATION: (),
        Kind.TEAM: (place.org,),
        Kind.FEATURE: (place.org, place.team),
    }
    org, team, feature = (*above[kind], place.name, "", "")[:3]
    return org, team, feature, place.title
