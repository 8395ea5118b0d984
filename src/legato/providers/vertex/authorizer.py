"""Keeps an access token fresh: one fetch at a time, ahead of its end, off the event loop."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from legato.core.clock import Clock
from legato.core.errors import BadProviderResponse, UpstreamError
from legato.core.tasks import spawn
from legato.core.wire import WireRequest
from legato.providers import request_headers
from legato.providers.vertex.google_auth import Token

log = logging.getLogger(__name__)

_AHEAD_S = 300.0
"""A token this near to its end is renewed behind the calls that still go out with it."""
_MARGIN_S = 30.0
"""Nearer than this, a call waits for the new one."""
_UNTOLD_S = 1800.0
_PAUSE_S = 10.0
"""After a failed renewal ahead of time, before the next."""


class TokenAuthorizer:
    """An `Authorizer` that adds the header lines of a token which `fetch` gets in a thread."""

    def __init__(self, fetch: Callable[[], Token], clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lines = b""
        self._good_until_s = 0.0
        self._renew_at_s = 0.0
        self._renewals: set[asyncio.Task[Any]] = set()
        self.secret: str | None = None
        """The token in use, which must never be told."""

    async def __call__(self, request: WireRequest) -> WireRequest:
        """Add the token's header lines.

        Raises:
            UpstreamError: there is no token and none can be had.
        """
        now_s = self._clock.now_ns() / 1e9
        if now_s >= self._good_until_s:
            # Shielded: a caller who leaves must not take the token from those who wait for it.
            await asyncio.shield(self._renewal())
        elif now_s >= self._renew_at_s and not self._renewals:
            self._renew_at_s = now_s + _PAUSE_S
            spawn(self._renew_quietly(), owner=self._renewals, name="renew access token")
        return WireRequest(request.path, request.headers + self._lines, request.body)

    def _renewal(self) -> asyncio.Task[None]:
        for running in self._renewals:
            if running.get_name() == "fetch access token":
                return running
        return spawn(self._renew(), owner=self._renewals, name="fetch access token")

    async def _renew_quietly(self) -> None:
        try:
            await self._renewal()
        except UpstreamError as error:  # the token in use is good for a while yet
            log.warning("access token not renewed ahead of time: %s", error.message)

    async def _renew(self) -> None:
        token = await asyncio.to_thread(self._fetch)
        lines = b"".join(request_headers.line(name, value) for name, value in token.headers.items())
        now_s = self._clock.now_ns() / 1e9
        end_s = now_s + _UNTOLD_S if token.expires_s is None else token.expires_s
        if end_s <= now_s:
            raise BadProviderResponse("Google gave an access token that has ended already")
        self._lines, self.secret = lines, token.secret
        self._good_until_s = max(now_s, end_s - _MARGIN_S)
        self._renew_at_s = max(now_s, end_s - _AHEAD_S)
