"""What rules of access let a key use; bound to it once, asked for each call."""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from hashlib import blake2b
from typing import Final

import msgspec

from legato.core.config import DataUse
from legato.core.config_access import AccessRule, Who
from legato.core.principal import Maker, Principal, RefusedTool
from legato.routing.terms import shortfalls

_MODELS_MAX: Final = 1_000


class BoundRules:
    """The rules that mean one principal.

    What a deployment falls short of is remembered, since there are as many as the gateway serves,
    and so are models, up to a bound, since callers make up their names.
    """

    def __init__(self, rules: Sequence[AccessRule]) -> None:
        self.rules = tuple(rules)
        self._models: dict[str, str] = {}
        self._short: dict[str, tuple[str, DataUse, tuple[str, ...]]] = {}
        self.has_tools = any(one.tools is not None for one in rules)
        self.fingerprint = blake2b(msgspec.json.encode(rules), digest_size=16).digest()

    def against_model(self, name: str) -> str:
        """Say which rule keeps a model from being named, "" where none does."""
        found = self._models.get(name)
        if found is None:
            found = self._against_model(name)
            if len(self._models) < _MODELS_MAX:
                self._models[name] = found
        return found

    def _against_model(self, name: str) -> str:
        for rule in self.rules:
            if rule.models is not None and not _fits(name, rule.models):
                return f"access rule {rule.name!r} lets it name {', '.join(rule.models)} only"
        return ""

    def against_deployment(self, name: str, region: str, data_use: DataUse) -> tuple[str, ...]:
        """Return what keeps a deployment from being sent its calls, in words with the rule."""
        found = self._short.get(name)
        if found is None or found[0] != region or found[1] != data_use:
            terms = tuple(self._against(name, region, data_use))
            found = self._short[name] = (region, data_use, terms)
        return found[2]

    def against_tool(self, name: str) -> RefusedTool | None:
        """Return which rule keeps a tool from being declared, None where none does."""
        for rule in self.rules:
            tools = rule.tools
            if tools is None:
                continue
            denied = tools.deny is not None and _fits(name, tools.deny)
            if denied or (tools.allow is not None and not _fits(name, tools.allow)):
                return RefusedTool(rule.name, strips=tools.refused == "strip")
        return None

    def _against(self, name: str, region: str, data_use: DataUse) -> Iterable[str]:
        for rule in self.rules:
            if rule.deployments is not None and not _fits(name, rule.deployments):
                yield f"access rule {rule.name!r}: {', '.join(rule.deployments)} only"
            if rule.require is not None:
                for term in shortfalls(rule.require, region, data_use):
                    yield f"access rule {rule.name!r}: {term}"


def bound(rules: Sequence[AccessRule], principal: Principal) -> BoundRules | None:
    """Return the rules that mean a principal, None where none does.

    Those that mean a key it was made by do, too: no key gets rid of a rule by making another.
    """
    own = [one for one in rules if means(one, principal)]
    return BoundRules(own) if own else None


def means(rule: AccessRule, principal: Principal) -> bool:
    """Whether a rule means a principal, or a key that it was made by."""
    return _means(rule.who, principal) or any(_means(rule.who, one) for one in principal.makers)


def _means(who: Who, principal: Principal | Maker) -> bool:
    places = (
        (who.orgs, principal.org),
        (who.teams, principal.team),
        (who.features, principal.feature),
        (who.keys, principal.name),
    )
    return all(patterns is None or _fits(name, patterns) for patterns, name in places) and all(
        principal.tags.get(tag) == value for tag, value in who.tags.items()
    )


def _fits(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, one) for one in patterns)
