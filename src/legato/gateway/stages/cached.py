"""Look an answer up, serve it, store it."""

from time import perf_counter_ns
from typing import TYPE_CHECKING

import msgspec

from legato.cache.exact import CachedAnswer, ExactCache, cache_key
from legato.core.config_load import STALE_CACHE
from legato.core.decisions import HIT, MISS, NO_CACHE, NO_STORE
from legato.core.wire import Operation
from legato.gateway.context import Reply
from legato.gateway.guards.answers import filtered_reply
from legato.gateway.semantic.tags import documents_of
from legato.gateway.sent_as import sent_as

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from legato.gateway.books import Books
    from legato.gateway.context import Call
    from legato.gateway.directory import Deployment, Directory

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
            or call.masked  # its answer is for nobody else, and no other one is for it
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
        if principal.access is not None:
            scope += b"\x00" + principal.access.fingerprint
        if route.rules is not None:  # who is sent elsewhere gets no answer of it, either
            scope += b"\x00" + sent_as(call, route)
        if documents := documents_of(call):
            scope += b"\x00" + ",".join(documents).encode()
        if call.outputs is not None:  # what was kept was checked by these policies
            scope += b"\x00" + call.outputs.fingerprint
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

    def again(self, call: "Call") -> bool:
        """Look into memory once more, for a call that waited for the same one; tell if it hit."""
        if call.cache_key is not None:
            self._answer(call, self._cache.peek(call.cache_key))
        return call.reply is not None

    def _answer(self, call: "Call", answer: CachedAnswer | None) -> None:
        if answer is None or not self.serve(call, answer, HIT):
            call.cache = MISS

    def serve(self, call: "Call", answer: CachedAnswer, as_what: str) -> bool:
        """Answer a call, and enter it; false where the answer's deployment is gone."""
        deployment = self._directory.deployment(answer.deployment)
        if deployment is None:
            return False
        call.reply = filtered_reply(call, Reply(answer.body, frames=answer.frames))
        call.cache = as_what
        call.cached_us = answer.duration_us
        call.deployment = deployment
        call.model_served, call.usage = answer.model_served, answer.usage
        self._books.cached(call, answer.usage, answer.duration_us, answer.model_served)
        return True

    async def stale(self, call: "Call") -> bool:
        """Answer with what the cache still has though it expired; false where it has nothing."""
        if call.cache_key is None or call.cache_control & NO_CACHE:
            return False
        answer = await self._cache.stale(call.cache_key)
        if answer is None or self._directory.deployment(answer.deployment) is None:
            return False
        call.degraded = STALE_CACHE
        self._answer(call, answer)
        return True

    def store(self, call: "Call", reply: Reply) -> None:
        """Keep a complete answer for the next one who asks."""
        route, deployment = call.route, call.deployment
        if call.cache_key is None or route is None or deployment is None or not reply.body:
            return
        if call.degraded:  # who asks when all is well again gets the better answer
            return
        kept_s = route.cache_ttl_s + route.stale_s
        answer = self.answer(call, reply, kept_s, deployment)
        if route.stale_s:
            fresh_until_ns = self._cache.expires_ns(route.cache_ttl_s)
            answer = msgspec.structs.replace(answer, fresh_ns=fresh_until_ns)
        self._cache.put(call.cache_key, answer)

    def answer(
        self, call: "Call", reply: Reply, ttl_s: float, deployment: "Deployment"
    ) -> CachedAnswer:
        """Return an answer as caches keep it."""
        return CachedAnswer(
            reply.body,
            reply.frames,
            call.usage,
            (perf_counter_ns() - call.started_ns) // _NS_PER_US,
            deployment.name,
            call.model_served,
            self._cache.expires_ns(ttl_s),
        )
