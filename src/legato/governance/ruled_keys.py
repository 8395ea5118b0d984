"""Keys with the rules of access that mean them: bound when a snapshot is loaded, not per call."""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from legato.core.config_access import AccessRule
from legato.core.principal import Principal
from legato.governance.keyring import KeySource, Snapshot
from legato.routing.access import BoundRules, bound, means

Rules = Callable[[], Sequence[AccessRule]]
"""Returns the rules that hold now; blocking, may raise StorageUnavailable."""
_BOUND_MAX: Final = 1_000


class RuledSnapshot(msgspec.Struct, frozen=True):
    """A snapshot whose principals know their rules."""

    version: int
    by_digest: dict[bytes, Principal]


class RuledKeys:
    """Where keys come from, each with its rules. Rules raise the same number as keys."""

    def __init__(self, source: KeySource, rules: Rules) -> None:
        self._source = source
        self._read = rules
        self._rules: Sequence[AccessRule] = ()
        self._by_tags: frozenset[str] = frozenset()
        self._bound: dict[tuple[int, ...], BoundRules] = {}

    def version(self) -> int:
        """Return the newest version."""
        return self._source.version()

    def snapshot(self) -> Snapshot:
        """Return all keys."""
        found = self._source.snapshot()
        rules = self._read()  # read last: newer than the version, never older
        by_digest = {digest: ruled_principal(one, rules) for digest, one in found.by_digest.items()}
        self._rules, self._bound = rules, {}
        self._by_tags = frozenset(name for rule in rules for name in rule.who.tags)
        return RuledSnapshot(found.version, by_digest)

    def tagged(self, plain: Principal, tagged: Principal) -> Principal:
        """Return a key that came with more tags than it has, with the rules that mean it so.

        Those that mean the key hold anyhow. Tags change from call to call, the rules they come to
        don't: each is bound once.
        """
        if not self._by_tags & tagged.tags.keys():
            return tagged
        rules, known = self._rules, self._bound
        place = tuple(
            number for number, rule in enumerate(rules) if means(rule, plain) or means(rule, tagged)
        )
        if not place:
            return tagged
        found = known.get(place)
        if found is None:
            if len(known) >= _BOUND_MAX:
                known.clear()
            found = known[place] = BoundRules([rules[number] for number in place])
        return msgspec.structs.replace(tagged, access=found)


def names_of_rules(principal: Principal, rules: Sequence[AccessRule]) -> frozenset[str]:
    """Return which rules mean a principal."""
    return frozenset(one.name for one in rules if means(one, principal))


def ruled_principal(principal: Principal, rules: Sequence[AccessRule]) -> Principal:
    """Bind the rules that mean a principal to it, or one of the keys that it was made by."""
    own = bound(rules, principal)
    return principal if own is None else msgspec.structs.replace(principal, access=own)
