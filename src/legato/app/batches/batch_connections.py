"""How the process that runs batches asks providers.

It has no event loop of its own, and asks a provider now and then: each exchange opens a connection
and closes it. What is kept is the provider, and with it the token it was given.
"""

import asyncio
import threading

from legato.app.checks.egress import egress_of
from legato.app.context import BatchContext
from legato.app.models.catalogue import build_provider
from legato.app.models.upstream import transport_to
from legato.app.models.waits import changed
from legato.core.egress import PERMISSIVE
from legato.core.errors import ConfigInvalid, ProviderTimeout, ProviderUnavailable
from legato.core.wire import WireRequest
from legato.providers.base import Provider, ProviderSettings, authorizer_of
from legato.providers.batching import BatchCall, BatchReply, Send
from legato.providers.transport import (
    ConnectTimeout,
    FirstByteTimeout,
    IdleTimeout,
    Timeouts,
    TransportError,
)

_REPLY_BYTES_MAX = 512 * 1024 * 1024
_UPLOAD_S = 600.0


class BatchConnections:
    """Providers by name, each as its settings were when it was opened last. Safe in threads."""

    def __init__(self, context: BatchContext) -> None:
        self._context = context
        self._kept: dict[str, tuple[ProviderSettings, Provider]] = {}
        self._lock = threading.Lock()

    def open(self, settings: ProviderSettings) -> tuple[Provider, Send]:
        """Return a provider and what makes its exchanges. Raises ConfigInvalid."""
        name = settings.config.name
        with self._lock:
            kept = self._kept.get(name)
            if kept is None or kept[0] != settings:
                kept = self._kept[name] = settings, build_provider(settings)
        provider = kept[1]
        return provider, self._sender(settings, provider)

    def _sender(self, settings: ProviderSettings, provider: Provider) -> Send:
        config, entry = self._context.loaded.config, settings.config
        waits = changed(config.timeouts, entry.timeouts)
        timeouts = Timeouts(
            connect_s=waits.connect_s, first_byte_s=_UPLOAD_S, idle_s=max(waits.idle_s, 60.0)
        )
        egress = PERMISSIVE if entry.name in self._context.managed else egress_of(config)

        async def exchange(call: BatchCall) -> BatchReply:
            transport = transport_to(entry, provider.base_url, timeouts, egress)
            try:
                response = await transport.send(
                    call.path, call.headers, call.body, method=call.method
                )
                try:
                    body = await response.read(_REPLY_BYTES_MAX)
                finally:
                    response.close()
                return BatchReply(response.status, response.headers, body)
            finally:
                await transport.close()

        def send(call: BatchCall) -> BatchReply:
            try:
                return asyncio.run(exchange(self._authorized(provider, call)))
            except (ConnectTimeout, FirstByteTimeout, IdleTimeout) as error:
                raise ProviderTimeout(f"{entry.name}: {error}") from error
            except TransportError as error:
                raise ProviderUnavailable(f"{entry.name}: {error}") from error
            except ValueError as error:  # an address or a header that can't be used
                raise ConfigInvalid(f"providers[{entry.name}]: {error}") from error

        return send

    def _authorized(self, provider: Provider, call: BatchCall) -> BatchCall:
        """Add what lets a call in; one at a time, as what fetches it is used on one loop."""
        authorize = authorizer_of(provider)
        if authorize is None:
            return call
        request = WireRequest(call.path, call.headers, call.body)

        async def authorized() -> WireRequest:
            return await authorize(request)

        with self._lock:
            sent = asyncio.run(authorized())
        return BatchCall(call.method, sent.path, sent.headers, sent.body)
