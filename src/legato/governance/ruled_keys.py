"""Keys with the rules of access that mean them: bound when a snapshot is loaded, not per call."""

import msgspec

from legato.core.config_access import Access
from legato.core.principal import Principal
from legato.governance.keyring import KeySource, Snapshot
from legato.routing.access import bound


class RuledSnapshot(msgspec.Struct, frozen=True):
    """A snapshot whose principals know their rules."""

    version: int
    by_digest: dict[bytes, Principal]


class RuledKeys:
    """Where keys come from, each with its rules."""

    def __init__(self, source: KeySource, access: Access) -> None:
        self._source = source
        self._access = access

    def version(self) -> int:
        """Return the newest version."""
        return self._source.version()

    def snapshot(self) -> Snapshot:
        """Return all keys."""
        found = self._source.snapshot()
        by_digest = {
            digest: ruled_principal(one, self._access) for digest, one in found.by_digest.items()
        }
        return RuledSnapshot(found.version, by_digest)


def ruled(source: KeySource, access: Access) -> KeySource:
    """Bind rules to keys; without rules they stay what they are."""
    return RuledKeys(source, access) if access.rules else source


def ruled_principal(principal: Principal, access: Access) -> Principal:
    """Bind the rules that mean a principal to it."""
    rules = bound(access.rules, principal)
    return principal if rules is None else msgspec.structs.replace(principal, access=rules)
