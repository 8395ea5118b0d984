"""Opens OpenID providers for the control process; their libraries are loaded at the first use."""

import asyncio
import threading
from collections.abc import Mapping
from concurrent.futures import TimeoutError as FutureTimeout
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from legato.app.checks.egress import egress_of
from legato.app.context import ControlContext
from legato.core.clock import SystemClock
from legato.core.config_accounts import OidcProvider
from legato.core.ids import IdSource
from legato.identity.rooms import Rooms
from legato.identity.signing_in import SignedIn, SigningIn, Visitor
from legato.providers.transport import open_transport
from legato.providers.transport.base import Timeouts, TransportError
from legato.storage.identity.mapped_roles import MappedRoles
from legato.vault.master import Vault

if TYPE_CHECKING:
    from legato.identity.oidc.provider import Asked, Told
    from legato.identity.oidc.signing_in import OidcSignIn, Opened

_BYTES_MAX: Final = 1024 * 1024
_WAIT_S: Final = 5.0
_TIMEOUTS: Final = Timeouts(connect_s=3.0, first_byte_s=4.0, idle_s=4.0)
"""A sign-in asks up to four times."""


class LazyOidc:
    """Implements `OidcSignIns`; call it with the loop running that requests go out by."""

    def __init__(
        self, context: ControlContext, rooms: Rooms, signing_in: SigningIn, vault: Vault
    ) -> None:
        self._context = context
        self._rooms = rooms
        self._signing_in = signing_in
        self._vault = vault
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._opened: OidcSignIn | None = None
        self.offered = [(one.name, one.title or one.name) for one in rooms.config.oidc]

    def begin(self, name: str, place: str) -> tuple[str, str]:
        """Implement `OidcSignIns.begin`."""
        begun = self._sign_in().begin(name, place)
        return begun.url, begun.browser

    def finish(
        self, name: str, query: Mapping[str, str], browser: str, visitor: Visitor
    ) -> tuple[SignedIn, str]:
        """Implement `OidcSignIns.finish`."""
        from legato.identity.oidc.signing_in import Returned  # noqa: PLC0415 - see above

        returned = Returned(
            state=query.get("state", ""),
            code=query.get("code", ""),
            error=query.get("error", ""),
            issuer=query.get("iss", ""),
            browser=browser,
        )
        return self._sign_in().finish(name, returned, visitor)

    def sign_out_url(self, provider: str, sealed: bytes) -> str | None:
        """Implement `OidcSignIns.sign_out_url`."""
        return self._sign_in().sign_out_url(provider, sealed)

    def _sign_in(self) -> "OidcSignIn":
        from legato.identity.oidc.signing_in import OidcSignIn  # noqa: PLC0415

        with self._lock:
            if self._opened is None:
                providers = {one.name: self._provider(one) for one in self._rooms.config.oidc}
                sealer = self._vault.sealer("sign-in flows")
                self._opened = OidcSignIn(self._rooms, self._signing_in, sealer, providers)
            return self._opened

    def _provider(self, config: OidcProvider) -> "Opened":
        from legato.identity.oidc.provider import ProviderFacts  # noqa: PLC0415
        from legato.identity.oidc.signing_in import Opened  # noqa: PLC0415

        clock, fetch = SystemClock(), partial(self._fetched, config)
        engine = self._context.engine
        return Opened(
            config=config,
            facts=ProviderFacts(config, fetch, clock.now_ns),
            fetch=fetch,
            roles=MappedRoles(engine, clock, IdSource(clock), provider=config.name),
            secret=lambda: self._context.loaded.secret(config.client_secret),
        )

    def _fetched(self, config: OidcProvider, asked: "Asked") -> "Told":
        """Send a request from a thread, by the rules for what may be called."""
        sending = asyncio.run_coroutine_threadsafe(self._sent(config, asked), self._loop)
        try:
            return sending.result(_WAIT_S)
        except FutureTimeout:
            sending.cancel()
            raise OSError("it took too long") from None
        except (TransportError, ValueError) as error:
            raise OSError(str(error)) from None

    async def _sent(self, config: OidcProvider, asked: "Asked") -> "Told":
        from legato.identity.oidc.provider import Told  # noqa: PLC0415

        parts = urlsplit(asked.url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = "".join(f"{name}: {value}\r\n" for name, value in asked.headers.items())
        transport = open_transport(
            "http1",
            f"{parts.scheme}://{parts.netloc}",
            timeouts=_TIMEOUTS,
            ca_file=None if config.ca_file is None else Path(config.ca_file),
            egress=egress_of(self._context.loaded.config),
        )
        try:
            method = b"GET" if asked.body is None else b"POST"
            answer = await transport.send(
                path.encode(), headers.encode(), asked.body or b"", method=method
            )
            return Told(answer.status, await answer.read(_BYTES_MAX))
        finally:
            await transport.close()
