"""A database that is full of two tenants' rows, and arguments that name the other's."""

from __future__ import annotations

import collections.abc
import enum
import inspect
import types
import typing
from datetime import UTC, date, datetime
from typing import Any, Final

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Engine,
    Float,
    Integer,
    LargeBinary,
    Table,
    insert,
    select,
)

from legato.core.tenant import Tenant
from legato.storage.tables.schema import metadata

OWN, OTHER = "acme", "other"
MARK: Final = "fe" * 15 + "70"
"""The id and the name of everything that the other tenant has."""
OWN_MARK: Final = "ac" * 15 + "70"
SECRET: Final = "only the other tenant knows this"
NOW_NS: Final = 1_700_000_000_000_000_000  # where ManualClock starts
NUMBER: Final = 7_002
OWN_NUMBER: Final = 7_001
_AFTER: Final = ("after", "since", "offset", "cursor")
_PLACES: Final = ("organisation", "team", "feature")
_NAMED: Final = ("id", "name", "digest", "team", "feature", "login", "kind", "label", "command")


def fill(engine: Engine) -> None:
    """Put a row of the other tenant into every table that tells tenants apart.

    Of one's own there is an organisation with a team and a feature, so that what is returned, and
    what fails to be read, is the other's.
    """
    with engine.begin() as connection:
        for table in metadata.sorted_tables:
            if "org" in table.columns or table.name == "organisation":
                connection.execute(insert(table), _row(table, OTHER))
            if table.name in _PLACES:
                connection.execute(insert(table), _row(table, OWN))


def others_rows(engine: Engine) -> dict[str, list[tuple[Any, ...]]]:
    """Return everything that the other tenant has."""
    found = {}
    with engine.connect() as connection:
        for table in metadata.sorted_tables:
            column = table.c.get("org", table.c.get("name"))
            if "org" in table.columns or table.name == "organisation":
                rows = connection.execute(select(table).where(column == OTHER))
                found[table.name] = sorted(tuple(map(repr, row)) for row in rows)
    return found


def _row(table: Table, org: str) -> dict[str, Any]:
    return {column.name: _value(table, column, org) for column in table.columns}


def _value(table: Table, column: Any, org: str) -> Any:
    mark, number = (MARK, NUMBER) if org == OTHER else (OWN_MARK, OWN_NUMBER)
    if column.name == "org" or (table.name == "organisation" and column.name == "name"):
        return org
    if table.name == "residency" and column.name == "regions":  # read of all, by workers
        return f'["{mark}"]'
    if isinstance(column.type, Boolean):
        return False
    if isinstance(column.type, Integer | BigInteger):
        return NOW_NS if column.name.endswith("_ns") else number
    if isinstance(column.type, Float):
        return 0.5
    is_name = column.primary_key or column.name in _NAMED or column.name.endswith(("_id", "_name"))
    if isinstance(column.type, LargeBinary):
        return mark.encode() if is_name or "digest" in column.name else SECRET.encode()
    if column.nullable and column.name.startswith(("revoked", "ended", "erased")):
        return None
    if is_name:
        return mark
    return SECRET if org == OTHER else "our own"


class Unmade(Exception):
    """An argument of this type can't be made up."""


def arguments(method: Any, made: dict[str, Any]) -> dict[str, Any]:
    """Return arguments that name what the other tenant has, and `org` of one's own.

    Those that are `made` already stay.
    """
    hints = typing.get_type_hints(method)
    for name, parameter in inspect.signature(method).parameters.items():
        if name in made:
            continue
        if name.startswith(_AFTER) and hints.get(name) in {str, int}:
            made[name] = hints[name]()  # from the beginning
            continue
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            continue
        if name in {"org", "tenant"}:
            made[name] = Tenant(OWN) if hints.get(name) is Tenant else OWN
        elif parameter.default is inspect.Parameter.empty or _is_plain(hints.get(name)):
            made[name] = argument(hints.get(name, Any), name)
    return made


def _is_plain(hint: Any) -> bool:
    """Whether a parameter that may be left out is one of which nothing is said by that."""
    return hint in {str, int, bytes}


def argument(hint: Any, name: str = "") -> Any:
    """Return a value of a type."""
    plain = {str: MARK, int: NUMBER, bytes: MARK.encode(), float: 1.0, bool: True, type(None): None}
    if hint in plain:
        return "0" if name == "version" and hint is str else plain[hint]
    if hint is Any or hint is object:
        return MARK
    if hint is datetime:
        return datetime.now(UTC)
    if isinstance(hint, typing.NewType):
        return argument(hint.__supertype__, name)
    if hint is date:
        return datetime.now(UTC).date()
    if isinstance(hint, types.GenericAlias | typing._GenericAlias | types.UnionType):  # type: ignore[attr-defined]
        return _generic(hint, name)
    if isinstance(hint, type):
        return _instance(hint, name)
    raise Unmade(f"{name}: {hint}")


def _generic(hint: Any, name: str) -> Any:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return inner[0]
    if origin is typing.Annotated:
        return argument(inner[0], name)
    if origin in {typing.Union, types.UnionType}:
        return argument(next(one for one in inner if one is not type(None)), name)
    if origin is collections.abc.Callable:
        return lambda *_given: None
    if not isinstance(origin, type):
        raise Unmade(f"{name}: {hint}")
    if issubclass(origin, collections.abc.Mapping):
        return {}
    if issubclass(origin, tuple):
        given = [one for one in inner if one is not ...]
        return tuple(argument(one, name) for one in given)
    if issubclass(origin, collections.abc.Set):
        return frozenset([argument(inner[0], name)])
    if issubclass(origin, collections.abc.Iterable):
        return [argument(inner[0], name)]
    raise Unmade(f"{name}: {hint}")


def _instance(hint: type, name: str) -> Any:
    if issubclass(hint, enum.Enum):
        return next(iter(hint))
    if issubclass(hint, tuple) and hasattr(hint, "_fields"):
        hints = typing.get_type_hints(hint)
        return hint(**{one: argument(hints[one], one) for one in hint._fields})
    if issubclass(hint, msgspec.Struct):
        hints = typing.get_type_hints(hint)
        fields = {}
        for one in msgspec.structs.fields(hint):
            if one.name == "org":
                fields["org"] = OWN
            elif one.required or _is_plain(hints[one.name]):
                fields[one.name] = argument(hints[one.name], one.name)
        return hint(**fields)
    raise Unmade(f"{name}: {hint.__name__}")
