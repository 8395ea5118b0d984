"""Secrets in a KV engine (version 2) of HashiCorp Vault or OpenBao."""

from typing import Any

from legato.core.config_parts import HashicorpSecret
from legato.vault.services.hashicorp_session import HashicorpSession
from legato.vault.stores.order import HashicorpOrder, Unread, named

PLACE = "secret_stores.hashicorp"


class HashicorpReader:
    """Reads each path once."""

    def __init__(self, order: HashicorpOrder) -> None:
        self._mount = order.mount
        self._session = HashicorpSession(order.access, order.secrets, PLACE)
        self._read: dict[str, dict[str, Any]] = {}

    def read(self, wanted: HashicorpSecret) -> object:
        """Return what the newest version has under a key. Raises Unread, VaultUnusable."""
        name = named(wanted, self._mount)
        if wanted.path not in self._read:
            self._read[wanted.path] = self._newest(wanted.path, name)
        fields = self._read[wanted.path]
        if wanted.key not in fields:
            remedy = f"It has: {', '.join(sorted(fields)) or 'none'}."
            raise Unread(f"the secret {name} of Vault has no key {wanted.key!r}", remedy)
        return fields[wanted.key]

    def _newest(self, path: str, name: str) -> dict[str, Any]:
        policy = f"its policy must allow read of {self._mount}/data/{path}"
        absent = f"there is no secret {name}, or its newest version was deleted"
        answer = self._session.ask(
            lambda secrets: secrets.kv.v2.read_secret_version(
                path=path, mount_point=self._mount, raise_on_deleted_version=True
            ),
            {"Forbidden": policy, "InvalidPath": absent},
        )
        found = answer.get("data", {}).get("data")
        if not isinstance(found, dict):
            remedy = "Is the engine mounted there a KV engine, version 2?"
            raise Unread(f"Vault's answer for {name} is no secret of a KV engine", remedy)
        return found
