"""A route's rules: the first whose condition holds decides where a request goes."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

import msgspec

from legato.core.config_routing import RouteRule
from legato.core.errors import ConfigInvalid
from legato.routing.rules.expression import FAILURES, Condition, condition, context_of
from legato.routing.rules.features import MAPS, Values
from legato.routing.rules.lookups import LookupCall, unknown_lookups

RULES_MAX: Final = 50
"""Of one route: each costs a microsecond or so of every request."""


class Rule(msgspec.Struct, frozen=True, eq=False):
    """A rule, its condition compiled."""

    setting: RouteRule
    condition: Condition

    def left(self, names: Sequence[str]) -> list[str]:
        """Return which of the deployments it leaves, those it puts first at the head."""
        rule = self.setting
        if rule.use:
            return [one for one in rule.use if one in names]
        left = [one for one in names if one not in rule.exclude]
        first = [one for one in rule.prefer if one in left]
        return [*first, *(one for one in left if one not in first)] if first else left


class Ruling(msgspec.Struct, frozen=True, eq=False):
    """What the rules say of one request: `rule` is None where none of them fits.

    `failed` couldn't be evaluated; `emptied` fit, but would have left no deployment.
    """

    rule: Rule | None
    failed: tuple[str, ...] = ()
    emptied: tuple[str, ...] = ()


class Rules(msgspec.Struct, frozen=True, eq=False):
    """All rules of a route, in order, and what of a request they ask for."""

    rules: tuple[Rule, ...]
    variables: frozenset[str]
    keys: Mapping[str, frozenset[str]]
    """Of each map."""
    lookups: tuple[LookupCall, ...] = ()
    """What the operator's systems are asked for; what they tell is among the values."""

    def decide(self, values: Values, able: Collection[str]) -> Ruling:
        """Return the first rule that fits and leaves any of the deployments able to serve.

        A key that isn't there makes a condition not hold. `values` has `variables`, as recorded.
        """
        context = context_of(values)
        failed: tuple[str, ...] = ()
        emptied: tuple[str, ...] = ()
        names = tuple(able)
        for rule in self.rules:
            name = rule.setting.name
            try:
                holds = rule.condition.program.execute(context)
            except KeyError:
                continue
            except FAILURES:
                failed += (name,)
                continue
            if holds is True:
                if rule.left(names):
                    return Ruling(rule, failed, emptied)
                emptied += (name,)
            elif holds is not False:
                failed += (name,)
        return Ruling(None, failed, emptied)

    def settings(self) -> tuple[RouteRule, ...]:
        """Return the rules as they were written."""
        return tuple(one.setting for one in self.rules)


def rules_of(settings: Iterable[RouteRule]) -> Rules | None:
    """Compile a route's rules; None where it has none.

    Raises:
        ConfigInvalid: naming the rule.
    """
    rules = tuple(_rule(one) for one in settings)
    if not rules:
        return None
    read = [pair for one in rules for pair in one.condition.keys]
    return Rules(
        rules,
        frozenset[str]().union(*(one.condition.variables for one in rules)),
        {of: frozenset(key for name, key in read if name == of) for of in MAPS},
        tuple({each.variable: each for one in rules for each in one.condition.lookups}.values()),
    )


def _rule(setting: RouteRule) -> Rule:
    try:
        return Rule(setting, condition(setting.when))
    except ConfigInvalid as error:
        msg = f"rule {setting.name}: {error.message}"
        raise ConfigInvalid(msg) from None


def problems_in(
    rule: RouteRule, deployments: Collection[str], lookups: Sequence[str] = ()
) -> list[tuple[str, str, str]]:
    """Return what is wrong with a rule: field, message, remedy."""
    found: list[tuple[str, str, str]] = []
    try:
        asked = condition(rule.when).lookups
        remedy = "Declare it under `lookups` in legato.yaml."
        found += [("when", told, remedy) for told in unknown_lookups(asked, lookups)]
    except ConfigInvalid as error:
        told, _, remedy = error.message.partition(". ")
        found.append(("when", told, remedy))
    for field, names in (("use", rule.use), ("prefer", rule.prefer), ("exclude", rule.exclude)):
        unknown = [one for one in names if one not in deployments]
        if unknown:
            remedy = f"Name some of {', '.join(deployments)}."
            found.append((field, f"`{unknown[0]}` is not among the route's deployments", remedy))
    if rule.use and (rule.prefer or rule.exclude):
        found.append(("use", "stands beside prefer or exclude", "Keep `use`, or the others."))
    if not (rule.use or rule.prefer or rule.exclude) and rule.floor is None:
        remedy = "Give it use, prefer, exclude or floor."
        found.append(("use", "the rule changes nothing", remedy))
    if set(deployments) <= set(rule.exclude):
        found.append(("exclude", "nothing is left", "Leave at least one deployment out of it."))
    return found
