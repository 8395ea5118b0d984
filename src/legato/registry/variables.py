"""The variables of a prompt: what they may be, and the values that callers send for them."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from legato.core.errors import InvalidRequest

PARAM = "metadata.variables"
"""Where callers send them."""
ITEMS_MAX = 10_000
"""Of a list whose `max_length` says nothing: each item is looked at on the event loop."""
_LISTED_MAX = 50
_SHOWN_MAX = 64

VariableName = Annotated[str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,63}$")]


class Variable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One variable, or what a list or an object holds."""

    type: Literal["string", "integer", "number", "boolean", "list", "object"]
    description: Annotated[str, Meta(max_length=2000)] = ""
    required: bool = True
    """Without a default: whether callers must send it. Else it renders to nothing."""
    default: Any | UnsetType = UNSET
    enum: Annotated[tuple[str | int | float, ...], Meta(max_length=1000)] = ()
    max_length: Annotated[int, Meta(ge=1)] | None = None
    """Of a string in characters, of a list in items."""
    items: "Variable | None" = None
    """What a list holds; strings where nothing is said."""
    properties: Annotated[dict[VariableName, "Variable"], Meta(max_length=100)] = {}
    """What an object holds; anything where nothing is said."""


TEXT = Variable(type="string")
_TYPES: Mapping[str, tuple[frozenset[type], str]] = {
    "string": (frozenset({str}), "must be a string"),
    "integer": (frozenset({int}), "must be an integer"),
    "number": (frozenset({int, float}), "must be a number"),
    "boolean": (frozenset({bool}), "must be true or false"),
    "list": (frozenset({list}), "must be a list"),
    "object": (frozenset({dict}), "must be an object"),
}


def accept_all(
    declared: Mapping[str, Variable], given: Mapping[str, Any], place: str = PARAM
) -> dict[str, Any]:
    """Return the values of all declared variables: as given, the default, or None.

    Raises:
        InvalidRequest: naming the variable and the remedy, never its value.
    """
    try:
        return _all_accepted(declared, given)
    except _Unfit as unfit:
        raise unfit.at(place) from None


def accept(variable: Variable, value: Any, place: str) -> Any:
    """Return a value as it is rendered. Raises InvalidRequest naming the place."""
    try:
        return _accepted(variable, value)
    except _Unfit as unfit:
        raise unfit.at(place) from None


class _Unfit(Exception):
    """A value that isn't what was declared; its place is put together on the way out only."""

    def __init__(self, problem: str, *steps: str | int) -> None:
        self.problem = problem
        self.steps = list(steps)

    def at(self, place: str) -> InvalidRequest:
        whole = ".".join((place, *map(str, reversed(self.steps))))
        return InvalidRequest(f"{whole}: {self.problem}", param=whole)


def _all_accepted(declared: Mapping[str, Variable], given: Mapping[str, Any]) -> dict[str, Any]:
    if not given.keys() <= declared.keys():
        unknown = next(name for name in given if name not in declared)
        known = ", ".join(sorted(declared)[:_LISTED_MAX]) or "none"
        raise _Unfit(f"is not declared; declared: {known}", unknown[:_SHOWN_MAX])
    values = {}
    for name, variable in declared.items():
        value = given.get(name, UNSET)
        if value is UNSET or (value is None and not variable.required):
            values[name] = _absent(variable, name)
            continue
        try:
            values[name] = _accepted(variable, value)
        except _Unfit as unfit:
            unfit.steps.append(name)
            raise
    return values


def _accepted(variable: Variable, value: Any) -> Any:
    kind = variable.type
    types, told = _TYPES[kind]
    if type(value) not in types:
        raise _Unfit(told)
    if variable.enum and value not in variable.enum:
        raise _Unfit(f"must be one of {', '.join(map(str, variable.enum))}")
    length_max = variable.max_length
    if kind == "list":
        if len(value) > (length_max or ITEMS_MAX):
            raise _Unfit(f"at most {length_max or ITEMS_MAX} items are allowed")
        return _items(variable.items or TEXT, value)
    if length_max is not None and len(value) > length_max:
        raise _Unfit(f"at most {length_max} characters are allowed")
    return _all_accepted(variable.properties, value) if variable.properties else value


def _items(held: Variable, items: list[Any]) -> list[Any]:
    values = []
    for item in items:
        try:
            values.append(_accepted(held, item))
        except _Unfit as unfit:
            unfit.steps.append(len(values))
            raise
    return values


def _absent(variable: Variable, name: str) -> Any:
    if variable.default is not UNSET:
        return variable.default
    if variable.required:
        raise _Unfit(f"is missing; send a {variable.type}", name)
    return None
