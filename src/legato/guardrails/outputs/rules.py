"""Conditions over the parsed answer."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from legato.core.errors import ConfigInvalid
from legato.core.expressions import FAILURES, Program, context_of, program_of
from legato.core.guard_output import JsonRule

OUTPUT = "output"


class OutputRule(NamedTuple):
    """A rule, compiled."""

    name: str
    program: Program


def rules_of(rules: Sequence[JsonRule]) -> tuple[OutputRule, ...]:
    """Compile rules. Raises ConfigInvalid naming the rule."""
    return tuple(_rule(one) for one in rules)


def broken(rules: Sequence[OutputRule], value: Any) -> list[str]:
    """Return the rules that an answer breaks; one that can't be evaluated is broken."""
    context = context_of({OUTPUT: value})
    return [one.name for one in rules if not _holds(one.program, context)]


def _rule(rule: JsonRule) -> OutputRule:
    try:
        program = program_of(rule.must)
    except ConfigInvalid as error:
        msg = f"rule {rule.name}: {error.message}"
        raise ConfigInvalid(msg) from None
    unknown = sorted(set(program.variables()) - {OUTPUT})
    if unknown:
        msg = f"rule {rule.name}: there is no {unknown[0]!r}. Known: {OUTPUT}, the parsed answer."
        raise ConfigInvalid(msg)
    return OutputRule(rule.name, program)


def _holds(program: Program, context: Any) -> bool:
    try:
        return program.execute(context) is True
    except FAILURES:
        return False
