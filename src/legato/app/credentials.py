"""Credentials of providers that are in the vault: read at start, followed while workers run."""

import logging
from collections.abc import Callable, Mapping

from legato.core.config import Config
from legato.core.errors import ConfigInvalid
from legato.core.tasks import InThread
from legato.core.watching import Watch
from legato.storage.tenants.credentials import CredentialStore
from legato.vault.data_keys import INSTANCE
from legato.vault.envelope import Envelopes

log = logging.getLogger(__name__)


def credential_names(config: Config) -> list[str]:
    """Return the credentials of the vault that the configuration names."""
    references = [one.api_key for one in config.providers if one.api_key is not None]
    return sorted({one.vault for one in references if one.vault is not None})


def read_credentials(
    config: Config, store: CredentialStore, envelopes: Envelopes
) -> dict[str, str]:
    """Return the credentials the configuration names, as far as the vault has them.

    Raises:
        ConfigInvalid: one was altered.
        VaultUnusable, StorageUnavailable: they can't be had.
    """
    names = credential_names(config)
    if not names:
        return {}
    return {name: opened(envelopes, name, sealed) for name, sealed in store.read(names).items()}


def require_credentials(config: Config, found: Mapping[str, str]) -> None:
    """Raise ConfigInvalid where the vault lacks a credential the configuration names."""
    for provider in config.providers:
        name = provider.api_key.vault if provider.api_key is not None else None
        if name is not None and name not in found:
            place = f"providers[{provider.name}].api_key"
            raise ConfigInvalid(
                f"{place}: the vault has no credential {name}: run `legato vault set {name}`"
            )


def sealed(envelopes: Envelopes, name: str, secret: str) -> bytes:
    """Seal a credential, bound to its name."""
    return envelopes.seal(INSTANCE, secret.encode(), _context(name))


def opened(envelopes: Envelopes, name: str, sealed_secret: bytes) -> str:
    """Open a credential. Raises ConfigInvalid where it was altered."""
    try:
        return envelopes.open(INSTANCE, sealed_secret, _context(name)).decode()
    except ValueError:
        msg = f"The credential {name} was altered in the database: `legato vault set {name}`."
        raise ConfigInvalid(msg) from None


def _context(name: str) -> bytes:
    return f"credential\x00{name}".encode()


class CredentialFollower:
    """Tells of changed credentials within half a second and a query; in a task of its own.

    The path of a request knows nothing of it: what changes is swapped under it.
    """

    def __init__(
        self,
        version: Callable[[], int],
        read: Callable[[], Mapping[str, str]],
        changed: Callable[[Mapping[str, str]], None],
        in_thread: InThread,
    ) -> None:
        self._newest = version
        self._read = read
        self._changed = changed
        self._in_thread = in_thread
        self._seen = -1

    async def follow(self) -> None:
        """Keep credentials fresh for ever: a change is seen within half a second and a query.

        While the database is away the last ones stay in force.
        """
        await Watch("credentials", self._refresh).follow()

    async def _refresh(self) -> None:
        found = await self._in_thread(self._load)
        if found is not None:
            self._changed(found)

    def _load(self) -> Mapping[str, str] | None:
        version = self._newest()
        if version == self._seen:
            return None
        found = self._read()
        self._seen = version
        return found
