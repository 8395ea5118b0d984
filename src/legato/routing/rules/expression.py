"""Conditions over what a request is like, compiled and tried once."""

import re
from itertools import product
from typing import Any, Final

import msgspec

from legato.core.errors import ConfigInvalid
from legato.core.expressions import (
    CHARACTERS_MAX,
    FAILURES,
    TEXT_LITERAL,
    Program,
    context_of,
    program_of,
)
from legato.routing.rules.features import FEATURES, MAPS
from legato.routing.rules.lookups import SAMPLES, LookupCall, taken_out

__all__ = ["CHARACTERS_MAX", "FAILURES", "Condition", "condition", "context_of"]

_KEY: Final = re.compile(
    rf"\b({'|'.join(MAPS)})\b(?:\s*\.\s*([A-Za-z_]\w*)|\s*\[\s*({TEXT_LITERAL})\s*\])?"
)
_LITERALS: Final = re.compile(TEXT_LITERAL)


class Condition(msgspec.Struct, frozen=True, eq=False):
    """A condition that can be asked. `keys` are those of each map that it reads."""

    source: str
    program: Program
    variables: frozenset[str]
    keys: frozenset[tuple[str, str]]
    lookups: tuple[LookupCall, ...] = ()
    """What it asks of the operator's systems, by variables that aren't among `variables`."""


def condition(source: str) -> Condition:
    """Compile a condition.

    Raises:
        ConfigInvalid: it can't be, costs too much, or names what no request has; with the remedy.
    """
    plain, lookups = taken_out(source)
    program = program_of(plain)
    told = {one.variable for one in lookups}
    names = {name for one in lookups for name in one.key.variables()}
    variables = (frozenset(program.variables()) - told) | names
    unknown = sorted(variables - FEATURES.keys())
    if unknown:
        msg = f"a request has no {unknown[0]!r}. Known: {', '.join(FEATURES)}."
        raise ConfigInvalid(msg)
    found = Condition(source, program, variables, _keys(source), lookups)
    _check_type(found)
    return found


def _keys(source: str) -> frozenset[tuple[str, str]]:
    """Return the keys of maps that a condition reads: only these are looked up and recorded."""
    found = set()
    literals = [match.span() for match in _LITERALS.finditer(source)]
    for match in _KEY.finditer(source):
        if any(start < match.start() < end for start, end in literals):
            continue
        name, member, quoted = match.groups()
        if member is None and quoted is None:
            msg = f'{name} is read by key: write {name}.tier or {name}["tier"], has({name}.tier).'
            raise ConfigInvalid(msg)
        found.add((name, member or quoted[1:-1]))
    return frozenset(found)


def _check_type(one: Condition) -> None:
    """Try it on a request like any other. Raises ConfigInvalid."""
    values: dict[str, Any] = {name: FEATURES[name].sample for name in one.variables}
    for name in MAPS:
        if name in values:
            values[name] = {key: "" for of, key in one.keys if of == name}
    try:
        value = _tried(one, values)
    except FAILURES as error:
        told = " ".join(str(error).split()).partition(". ")[0].rstrip(".")
        msg = f"can't be evaluated: {told}. Compare values of one type; see the list of features."
        raise ConfigInvalid(msg) from None
    if not isinstance(value, bool):
        msg = f"it is {type(value).__name__}, not true or false. Compare it with something."
        raise ConfigInvalid(msg)


def _tried(one: Condition, values: dict[str, Any]) -> Any:
    """Return its value, where look-ups tell something of the types it takes them for."""
    names = [each.variable for each in one.lookups]
    *others, last = product(SAMPLES, repeat=len(names))
    for told in others:
        try:
            value = one.program.execute(context_of(values | dict(zip(names, told, strict=True))))
        except FAILURES:
            continue
        if isinstance(value, bool):
            return value
    return one.program.execute(context_of(values | dict(zip(names, last, strict=True))))
