"""The variables of a prompt: what they may be, and the values that callers send for them."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from legato.core.errors import InvalidRequest

PARAM = "metadata.variables"
"""Where callers send them."""

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
    for name in given:
        if name not in declared:
            shown, known = name[:64], ", ".join(sorted(declared)[:50]) or "none"
            raise _refusal(f"{place}.{shown}", f"is not declared; declared: {known}")
    values: dict[str, Any] = {}
    for name, variable in declared.items():
        value = given.get(name, UNSET)
        if value is UNSET or (value is None and not variable.required):
            values[name] = _absent(variable, name, place)
        else:
            values[name] = accept(variable, value, f"{place}.{name}")
    return values


def accept(variable: Variable, value: Any, place: str) -> Any:
    """Return a value as it is rendered. Raises InvalidRequest naming the place."""
    types, told = _TYPES[variable.type]
    if type(value) not in types:
        raise _refusal(place, told)
    if variable.enum and value not in variable.enum:
        raise _refusal(place, f"must be one of {', '.join(map(str, variable.enum))}")
    if variable.max_length is not None and len(value) > variable.max_length:
        unit = "characters" if variable.type == "string" else "items"
        raise _refusal(place, f"at most {variable.max_length} {unit} are allowed")
    if variable.type == "list":
        held = variable.items or TEXT
        return [accept(held, item, f"{place}.{index}") for index, item in enumerate(value)]
    if variable.properties:
        return accept_all(variable.properties, value, place)
    return value


def _absent(variable: Variable, name: str, place: str) -> Any:
    if variable.default is not UNSET:
        return variable.default
    if variable.required:
        raise _refusal(f"{place}.{name}", f"is missing; send a {variable.type}")
    return None


def _refusal(place: str, problem: str) -> InvalidRequest:
    return InvalidRequest(f"{place}: {problem}", param=place)
