"""Look an answer up, serve it, store it."""

from time import perf_counter_ns
from typing import TYPE_CHECKING

import msgspec

from legato.cache.exact import CachedAnswer, ExactCache, cache_key
from legato.core.decisions import NO_CACHE, NO_STORE
from legato.core.wire import Operation
from legato.gateway.context import Reply

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from legato.gateway.books import Books
    from legato.gateway.context import Call
    from legato.gateway.directory import Directory

_NS_PER_US = 1_000


class CacheStages:
    """The exact cache as the pipeline uses it."""

    def __init__(self, cache: ExactCache, books: "Books", directory: "Directory") -> None:
        self._cache = cache
        self._books = books
        self._directory = directory

    def lookup(self, call: "Call") -> "Awaitable[None] | None":
        """Set `call.cache` to hit, miss or bypass, and `call.reply` to a stored answer.

        What is returned must be awaited: the answer is on disk.
        """
        route, principal = call.route, call.principal
        if (
            route is None
            or principal is None
            or not route.cache_ttl_s
            or call.surface.operation is Operation.COUNT_TOKENS
        ):
            return None
        control = call.source.header(b"cache-control")
        no_cache = no_store = False
        if control is not None:
            directives = {part.strip() for part in control.lower().split(b",")}
            no_cache, no_store = b"no-cache" in directives, b"no-store" in directives
            call.cache_control = NO_CACHE * no_cache | NO_STORE * no_store
            if no_store:
                return None
        scope = f"{principal.org}\x00{principal.team}\x00{route.fingerprint}".encode()
        if principal.require is not None:  # who may not call a deployment gets no answer of it
            scope += b"\x00" + msgspec.json.encode(principal.require)
        key = call.cache_key = cache_key(scope, call.surface.name, call.body)
        if no_cache:
            return None
        answer = self._cache.peek(key)
        if answer is None and self._cache.is_on_disk(key):
            return self._fetch(call, key)
        self._answer(call, answer)
        return None

    async def _fetch(self, call: "Call", key: bytes) -> None:
        self._answer(call, await self._cache.fetch(key))

    def _answer(self, call: "Call", answer: CachedAnswer | None) -> None:
        deployment = None if answer is None else self._directory.deployment(answer.deployment)
        if answer is None or deployment is None:
            call.cache = "miss"
            return
        call.cache = "hit"
        call.cached_us = answer.duration_us
        call.deployment = deployment
        call.model_served, call.usage = answer.model_served, answer.usage
        self._books.cached(call, answer.usage, answer.duration_us, answer.model_served)
        call.reply = Reply(answer.body, frames=answer.frames)

    def store(self, call: "Call", reply: Reply) -> None:
        """Keep a complete answer for the next one who asks."""
        route, deployment = call.route, call.deployment
        if call.cache_key is None or route is None or deployment is None or not reply.body:
            return
        duration_us = (perf_counter_ns() - call.started_ns) // _NS_PER_US
        self._cache.put(
            call.cache_key,
            CachedAnswer(
                reply.body,
                reply.frames,
                call.usage,
                duration_us,
                deployment.name,
                call.model_served,
                self._cache.expires_ns(route.cache_ttl_s),
            ),
        )
