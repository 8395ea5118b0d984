"""Reading plain data into types, with every problem at its place, not the first one only."""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from math import isfinite
from types import UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

import msgspec

from legato.core.errors import InvalidRequest

DEPTH_MAX = 64
_INNER_PLACE = re.compile(r" - at `(?:key in )?\$(.*)`$")


class Problem(NamedTuple):
    """One thing to mend; `place` is a path such as `messages[0].content`."""

    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" if self.place else self.message


class ContentInvalid(InvalidRequest):
    """Content that can't become a version, with all its problems."""

    def __init__(self, what: str, problems: list[Problem]) -> None:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        lines = [f"the {what} has {count}:", *(f"  {problem}" for problem in problems)]
        super().__init__("\n".join(lines), param=problems[0].place)
        self.problems = tuple(problems)


def problems_in(value: Any, kind: Any, place: str = "") -> list[Problem]:
    """Return what keeps plain data from being of a type, each problem at its own place."""
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        wanted = _of_value(kind, value)
        found = list(_unfit_names(value, wanted, place))
        for inner, inner_kind, inner_place in _below(value, wanted, place):
            found += problems_in(inner, inner_kind, inner_place)
        return found or [_problem(error, wanted, place)]
    return []


def unplain(value: Any, place: str = "", levels: int = DEPTH_MAX) -> Iterator[Problem]:
    """Yield what JSON has no word for, such as the dates of YAML."""
    if not levels:
        yield Problem(place, f"is nested more than {DEPTH_MAX} levels deep")
    elif isinstance(value, dict):
        for name, inner in value.items():
            at = _joined(place, str(name))
            if not isinstance(name, str):
                yield Problem(at, "names are text; write this one in quotes")
            yield from unplain(inner, at, levels - 1)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from unplain(inner, f"{place}[{index}]", levels - 1)
    elif isinstance(value, float) and not isfinite(value):
        yield Problem(place, "must be a finite number")
    elif not isinstance(value, str | int | float | None):
        yield Problem(place, f"a {type(value).__name__} can't stand here; write it in quotes")


def readable_fields(data: Any, kind: type[msgspec.Struct]) -> dict[str, Any]:
    """Return those fields of a struct that are there and can be read."""
    if not isinstance(data, dict):
        return {}
    values = {}
    for field in msgspec.structs.fields(kind):
        if field.name in data and not problems_in(data[field.name], field.type):
            values[field.name] = msgspec.convert(data[field.name], field.type)
    return values


def _problem(error: msgspec.ValidationError, kind: Any, place: str) -> Problem:
    if get_origin(kind) is Literal:
        return Problem(place, f"must be one of {', '.join(map(str, get_args(kind)))}")
    told = str(error)
    inner = _INNER_PLACE.search(told)
    message = _INNER_PLACE.sub("", told)
    return Problem(place + (inner[1] if inner else ""), message[:1].lower() + message[1:])


def _of_value(kind: Any, value: Any) -> Any:
    """Return the type without its bounds; of several the one that is written like the value."""
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if get_origin(kind) in {Union, UnionType}:
        arms = [_of_value(arm, value) for arm in get_args(kind)]
        shape = tuple if isinstance(value, list) else type(value)
        fitting = [arm for arm in arms if (get_origin(arm) or arm) is shape or _is_struct(arm)]
        if len(fitting) > 1 and isinstance(value, dict):
            fitting = [arm for arm in fitting if _is_struct(arm) and _is_tagged(arm, value)]
        return fitting[0] if len(fitting) == 1 else None
    return kind


def _below(value: Any, kind: Any, place: str) -> Iterator[tuple[Any, Any, str]]:
    """Yield what a value holds, with its types and places."""
    if _is_struct(kind) and isinstance(value, dict):
        for field in msgspec.structs.fields(kind):
            if field.name in value:
                yield value[field.name], field.type, _joined(place, field.name)
    elif get_origin(kind) is tuple and isinstance(value, list):
        for index, item in enumerate(value):
            yield item, get_args(kind)[0], f"{place}[{index}]"
    elif get_origin(kind) is dict and isinstance(value, dict):
        for name, item in value.items():
            yield name, get_args(kind)[0], _joined(place, str(name))
            yield item, get_args(kind)[1], _joined(place, str(name))


def _unfit_names(value: Any, kind: Any, place: str) -> Iterator[Problem]:
    if not (_is_struct(kind) and isinstance(value, dict)):
        return
    fields = {field.name: field for field in msgspec.structs.fields(kind)}
    for name in value:
        if name not in fields and name != kind.__struct_config__.tag_field:
            told = f"is unknown; {_suggestion(str(name), list(fields))}"
            yield Problem(_joined(place, str(name)), told)
    for name, field in fields.items():
        if field.required and name not in value:
            yield Problem(_joined(place, name), "is missing")


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _is_tagged(kind: type[msgspec.Struct], value: dict[Any, Any]) -> bool:
    """Whether a value says by its tag that it is of this struct."""
    config = kind.__struct_config__
    return config.tag_field is not None and value.get(config.tag_field) == config.tag


def _joined(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def _suggestion(wrong: str, known: list[str]) -> str:
    near = get_close_matches(wrong, known, n=1, cutoff=0.6)
    return f"did you mean `{near[0]}`?" if near else f"known: {', '.join(sorted(known))}"
