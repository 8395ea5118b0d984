"""Opens what tells who calls: keys, and signed tokens that act for one."""

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from legato.app.checks.egress import egress_of
from legato.app.context import WorkerContext
from legato.app.ruling import rules_in_force
from legato.core.clock import Clock
from legato.core.config import Config
from legato.core.config_callers import TokenIssuer
from legato.core.errors import StorageUnavailable
from legato.core.tasks import InThread
from legato.governance.keyring import Keyring
from legato.governance.ruled_keys import RuledKeys
from legato.providers.transport.base import Timeouts, TransportError
from legato.providers.transport.factory import open_transport
from legato.storage.tenants.keys import KeyStore
from legato.vault.master import Vault

if TYPE_CHECKING:
    from legato.governance.caller_tokens import CallerTokens

_KEYS_BYTES_MAX = 256 * 1024
_HEADERS = b"accept: application/json\r\n"
_OK = 200
_TIMEOUTS = Timeouts(connect_s=5.0, first_byte_s=10.0, idle_s=5.0)


def open_keyring(
    context: WorkerContext, store: KeyStore, vault: Vault, *, clock: Clock, in_thread: InThread
) -> Keyring:
    """Return what authenticates the callers of a worker."""
    rules = rules_in_force(context.loaded.config.access, context.database_url)
    keys = RuledKeys(store, rules)
    return Keyring(
        keys,
        vault.digest,
        clock,
        in_thread,
        acting_key=None if context.acting is None else context.acting.acting_for,
        tokens=_tokens(context.loaded.config, clock, in_thread),
        rule=keys.tagged,
    )


def _tokens(config: Config, clock: Clock, in_thread: InThread) -> "CallerTokens | None":
    if not config.token_issuers:
        return None
    from legato.governance.caller_tokens import CallerTokens  # noqa: PLC0415 - 4 MiB

    async def fetch(issuer: TokenIssuer) -> bytes:
        if issuer.jwks_url is None:
            file = Path(issuer.jwks_file or "")
            found: bytes = await in_thread(file.read_bytes)
            return found
        return await _served(issuer.jwks_url, config)

    return CallerTokens(config.token_issuers, fetch, clock)


async def _served(url: str, config: Config) -> bytes:
    """Return what is served; by a connection of its own, since it is asked so seldom."""
    parts = urlsplit(url)
    path = ((parts.path or "/") + (f"?{parts.query}" if parts.query else "")).encode()
    base = f"{parts.scheme}://{parts.netloc}"
    transport = open_transport("http1", base, timeouts=_TIMEOUTS, egress=egress_of(config))
    try:
        response = await transport.send(path, _HEADERS, b"", method=b"GET")
        if response.status != _OK:
            response.close()
            raise StorageUnavailable(f"the issuer answered {response.status}")
        return await response.read(_KEYS_BYTES_MAX)
    except TransportError as error:
        raise StorageUnavailable(f"the issuer can't be reached: {type(error).__name__}") from None
    finally:
        await transport.close()
