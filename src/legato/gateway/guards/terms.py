"""What requests must be like before anything is done with them: a JSON schema, and conditions.

A request that isn't like that is refused before a detector or a model is asked.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from legato.core.errors import LookupFailed
from legato.core.guard_facts import Fired
from legato.core.guarding import Action, Mode
from legato.guardrails.policy.compiling import CompiledPolicy
from legato.routing.rules.expression import FAILURES, Condition, condition, context_of
from legato.routing.rules.features import MAPS
from legato.routing.rules.rules import Rules

if TYPE_CHECKING:
    from legato.core.config_lookups import Known
    from legato.gateway.context import Call
    from legato.gateway.lookups import Lookups

SCHEMA_LABEL: Final = "SCHEMA"
CONDITION_LABEL: Final = "CONDITION"
_STEPS_MAX: Final = 12


class SchemaError(Protocol):
    """How a value breaks a JSON schema, as its library tells it."""

    @property
    def message(self) -> str:
        """What is wrong, in words."""
        ...

    @property
    def instance_path(self) -> Sequence[str | int]:
        """Where in the value."""
        ...

    @property
    def schema_path(self) -> Sequence[str | int]:
        """Where in the schema."""
        ...


class Validator(Protocol):
    """A compiled JSON schema."""

    def iter_errors(self, instance: Any) -> Iterator[SchemaError]:
        """Yield how a value breaks it."""
        ...


class Broken(msgspec.Struct, frozen=True):
    """A term that a request doesn't meet."""

    fired: Fired
    told: str
    param: str | None = None
    enforced: bool = True


class Terms(msgspec.Struct, frozen=True, eq=False):
    """The terms of one policy, compiled."""

    policy: CompiledPolicy
    validator: Validator | None
    of: str
    conditions: tuple[tuple[str, str, Condition], ...]
    """Name, what callers are told, what must hold."""
    asked: Rules | None
    """What of a request they ask for."""

    async def broken_by(self, call: "Call", lookups: "Lookups | None") -> list[Broken]:
        """Return what a request doesn't meet; the first of the schema's errors alone.

        Raises:
            LookupFailed: a condition that is enforced looks something up, and it can't be told.
        """
        found = self._by_schema(call)
        if self.asked is not None and not found:
            told = await self._looked_up(call, self.asked, lookups) if self.asked.lookups else {}
            found = [] if told is None else self._by_conditions(call, self.asked, told)
        return found

    async def _looked_up(
        self, call: "Call", asked: Rules, lookups: "Lookups | None"
    ) -> "dict[str, Known] | None":
        """Return what conditions look up; None where a shadow can't tell."""
        if lookups is None:
            raise LookupFailed("A condition looks something up, and `lookups` is empty.")
        try:
            return await lookups.of_route(call, asked)
        except LookupFailed:
            if self._enforced:
                raise
            return None

    def _by_schema(self, call: "Call") -> list[Broken]:
        if self.validator is None:
            return []
        held = (call.variables or {}) if self.of == "variables" else call.body
        error = next(iter(self.validator.iter_errors(held)), None)
        if error is None:
            return []
        steps = [str(one) for one in error.instance_path][:_STEPS_MAX]
        at = ".".join((self.of, *steps))
        told = f"{at}: {_rule_of(error)}"
        return [Broken(self._fired("input.json_schema", SCHEMA_LABEL), told, at, self._enforced)]

    def _by_conditions(self, call: "Call", asked: Rules, told: "dict[str, Known]") -> list[Broken]:
        from legato.gateway.request_features import (  # noqa: PLC0415 - where there are conditions
            features_of,
        )

        context = context_of({**features_of(call, asked), **told})
        return [
            Broken(self._fired(name, CONDITION_LABEL), message, None, self._enforced)
            for name, message, one in self.conditions
            if not _holds(one, context)
        ]

    def _fired(self, rule: str, label: str) -> Fired:
        mode = self.policy.setting.mode.value
        return Fired(self.policy.version, rule, label, Action.BLOCK.value, mode, "input", 1)

    @property
    def _enforced(self) -> bool:
        return self.policy.setting.mode is Mode.ENFORCE


def terms_of(policy: CompiledPolicy) -> Terms | None:
    """Compile what a policy says of requests; None where it says nothing. Raises ConfigInvalid."""
    said = policy.setting.input
    if said.json_schema is None and not said.conditions:
        return None
    conditions = tuple((one.name, one.message, condition(one.when)) for one in said.conditions)
    return Terms(policy, _validator(said.json_schema), said.of, conditions, _asked(conditions))


def _validator(schema: dict[str, Any] | None) -> Validator | None:
    if schema is None:
        return None
    from legato.guardrails.policy.checking import validator_of  # noqa: PLC0415 - schemas only

    return validator_of(schema)


def _asked(conditions: tuple[tuple[str, str, Condition], ...]) -> Rules | None:
    if not conditions:
        return None
    compiled = [one for _, _, one in conditions]
    read = [pair for one in compiled for pair in one.keys]
    return Rules(
        (),
        frozenset[str]().union(*(one.variables for one in compiled)),
        {of: frozenset(key for name, key in read if name == of) for of in MAPS},
        tuple({each.variable: each for one in compiled for each in one.lookups}.values()),
    )


def _holds(one: Condition, context: Any) -> bool:
    """Whether a condition is true; one that can't be told isn't."""
    try:
        return one.program.execute(context) is True
    except FAILURES:
        return False


def _rule_of(error: SchemaError) -> str:
    """Name the rule of the schema that isn't met: never the value, which may be anything."""
    if error.schema_path and error.schema_path[-1] == "required":
        return str(error.message)  # it names the schema's own words alone
    at = "/".join(str(one) for one in error.schema_path)[:200]
    return f"doesn't fit the schema at {at}; see the policy for what it asks"
