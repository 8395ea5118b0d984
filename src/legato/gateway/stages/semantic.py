"""The semantic cache: behind the exact one, an answer to a question that means the same.

It fails open: whatever goes wrong in it is counted, and the call is made.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

import msgspec

from legato.cache.semantic.entry import Entry
from legato.core.decisions import MISS, SEMANTIC, SemanticFacts
from legato.core.errors import OperatorError
from legato.core.records import EntryKind
from legato.core.semantic_records import Selection
from legato.gateway.context import Waiting
from legato.gateway.looked import Asked, Flight, Looked, Placed
from legato.gateway.semantic.answers import text_to_keep
from legato.gateway.semantic.asked import NotEligible, asked_of, scope_of, within
from legato.gateway.semantic.flights import Flights
from legato.gateway.semantic.prepared import Prepared
from legato.gateway.semantic.retold import as_asked
from legato.gateway.semantic.tags import in_conflict, tags_of
from legato.matching.questions import prepare
from legato.matching.verifier import NEAREST

if TYPE_CHECKING:
    from legato.cache.semantic.index import SemanticIndex
    from legato.core.tasks import InThread
    from legato.embedding.base import Embedder
    from legato.gateway.context import Call, Sink
    from legato.gateway.directory import Route
    from legato.gateway.semantic.bounds import Bounds
    from legato.gateway.stages.cached import CacheStages
    from legato.matching.verifier import Verifier
    from legato.telemetry.metrics import Meters

log = logging.getLogger(__name__)

_PLANTED_SHARE: Final = 1.5
_PLANTED_CHARS: Final = 16


class Rooms(msgspec.Struct, frozen=True, eq=False):
    """What the stages work with."""

    exact: "CacheStages"
    index: "SemanticIndex"
    embedder: "Embedder | None"
    """None where a deployment embeds."""
    verifier: "Verifier"
    bounds: "Bounds"
    check: Callable[["Call", Looked], None]
    """Compares a hit with a fresh answer, in the background."""
    end_checks: Callable[[float], Awaitable[None]]
    meters: "Meters"
    random: Callable[[], float]
    new_id: Callable[[], str]
    wait_s: float
    entry_bytes_max: int
    in_store_thread: "InThread"
    in_thread: "InThread | None" = None
    """Where embedding takes long; None: it runs on the event loop."""
    deployed: "Callable[[Call, str], Awaitable[Placed]] | None" = None
    """Has a deployment embed a call's question; raises OperatorError where it can't."""


class SemanticStages:
    """The semantic cache as the pipeline uses it."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self.flights = Flights()
        self._prepared = Prepared()
        self._reasons_told: set[str] = set()

    def lookup(self, call: "Call", _sink: "Sink") -> Awaitable[None] | None:
        """Set `call.reply` to an earlier answer; what is returned must be awaited."""
        route, key = call.route, call.cache_key
        terms = None if route is None else route.semantic
        if route is None or terms is None or key is None or call.cache != MISS:
            return None
        if call.kind is not EntryKind.USAGE or not call.caller.live:
            return None  # judges and evaluations want answers of their own
        looked = call.semantic = Looked(key, scope_of(call, route, terms), tags=tags_of(call))
        try:
            asked = looked.asked = asked_of(call, route, terms)
        except NotEligible as reason:
            self._count(route, str(reason))
            return self._look_or_wait(call, route, looked)
        rooms = self._rooms
        if rooms.deployed is not None:
            return self._ask_then_look(call, route, looked, rooms.deployed)
        if rooms.in_thread is not None:
            return self._embed_then_look(call, route, looked, asked)
        self._try(call, route, lambda: self._embed(looked, asked))
        return self._look_or_wait(call, route, looked)

    async def _embed_then_look(
        self, call: "Call", route: "Route", looked: Looked, asked: Asked
    ) -> None:
        in_thread = self._rooms.in_thread
        if in_thread is not None:
            work = in_thread(lambda: self._try(call, route, lambda: self._embed(looked, asked)))
            await work
        rest = self._look_or_wait(call, route, looked)
        if rest is not None:
            await rest

    def _embed(self, looked: Looked, asked: Asked) -> None:
        if self._rooms.embedder is not None:
            looked.vector = self._rooms.embedder.embed([asked.text])[0]
            looked.question = prepare(asked.text)

    async def _ask_then_look(
        self,
        call: "Call",
        route: "Route",
        looked: Looked,
        deployed: "Callable[[Call, str], Awaitable[Placed]]",
    ) -> None:
        asked = looked.asked
        try:
            if asked is not None:
                with Waiting(call):
                    vector, space = await deployed(call, asked.text)
                looked.asked = within(asked, space)
                looked.vector, looked.question = vector, prepare(asked.text)
        except OperatorError as problem:
            self._count(route, "embedder_failed")
            self._told(problem)
        except Exception:
            log.exception("the semantic cache failed", extra={"request_id": call.request_id})
            self._count(route, "failed")
        rest = self._look_or_wait(call, route, looked)
        if rest is not None:
            await rest

    def _told(self, problem: OperatorError) -> None:
        """Log why no vector came, once for each reason: the counter tells how often."""
        if problem.code not in self._reasons_told:
            self._reasons_told.add(problem.code)
            log.warning("a question has no vector: %s", problem.code, extra={"why": str(problem)})

    def _look_or_wait(self, call: "Call", route: "Route", looked: Looked) -> Awaitable[None] | None:
        self._try(call, route, lambda: self._find(looked))
        flight = self._under_way(looked)
        if flight is not None and self._rooms.wait_s:
            return self._follow(call, route, looked, flight)
        self._decide_or_lead(call, route, looked)
        return None

    def _decide_or_lead(self, call: "Call", route: "Route", looked: Looked) -> None:
        self._try(call, route, lambda: self._decide(call, route, looked))
        if call.reply is None:
            self._take_off(looked)

    def _find(self, looked: Looked) -> None:
        """Find the likeliest of the nearest questions."""
        asked, rooms = looked.asked, self._rooms
        if asked is None or looked.vector is None:
            return
        looked.nearest, looked.similarity, looked.score = None, 0.0, 0.0
        nearest = (
            (found.entry, self._prepared.of(found.entry), found.similarity)
            for found in rooms.index.nearest(asked.partition, looked.vector, NEAREST)
            if not _may_be_planted(found.entry.text, asked.text)
            and not (looked.tags and self._is_of_old_document(found.entry, looked))
        )
        likeliest = rooms.verifier.likeliest(looked.question, nearest)
        looked.nearest, looked.similarity, looked.score = likeliest

    def _is_of_old_document(self, entry: Entry, looked: Looked) -> bool:
        """Tell whether an answer came from another version of a document than is asked with.

        Then all answers of the team from that version go: a document has one at a time.
        """
        document = in_conflict(entry.tags, looked.tags)
        if document:
            gone = Selection(org=entry.org, team=entry.team, document=document)
            self._rooms.index.forget(gone)
        return bool(document)

    def _decide(self, call: "Call", route: "Route", looked: Looked) -> None:
        """Serve the likeliest answer where the bound allows. Counts the request: once only."""
        terms, rooms, nearest = route.semantic, self._rooms, looked.nearest
        if looked.vector is None or terms is None:
            return
        draw = rooms.random()
        decision = rooms.bounds.decide(looked.scope, terms, looked.score, draw)
        served = (
            decision.serve
            and nearest is not None
            and rooms.exact.serve(call, as_asked(call, route, nearest.answer), SEMANTIC)
        )
        if served and nearest is not None:
            rooms.index.hit(nearest.id, call.baseline_cost or 0)
            rooms.meters.semantic_saved(route.alias, call.baseline_cost or 0)
        looked.facts = SemanticFacts(
            "" if nearest is None else nearest.id,
            looked.similarity,
            looked.score,
            decision.threshold,
            draw,
            served,
            decision.check,
        )
        self._count(route, "hit" if served else "miss")

    async def _follow(self, call: "Call", route: "Route", looked: Looked, flight: Flight) -> None:
        """Wait, then look into both caches again. Who finds nothing goes first for the others."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._rooms.wait_s
        following: Flight | None = flight
        with Waiting(call):
            while following is not None:
                left_s = until - loop.time()
                if left_s <= 0 or not await self.flights.wait(following, left_s):
                    self._count(route, "waited_in_vain")
                    break
                if self._rooms.exact.again(call):
                    self._count(route, "waited")
                    return
                self._try(call, route, lambda: self._find(looked))
                following = self._under_way(looked)
        self._decide_or_lead(call, route, looked)
        if call.reply is not None:
            self._count(route, "waited")

    def _under_way(self, looked: Looked) -> Flight | None:
        """Return the flight of the same request, or of one likelier than what was found."""
        same = self.flights.same(looked.key)
        if same is not None:
            return same
        asked, rooms, best = looked.asked, self._rooms, None
        if asked is None or looked.question is None:
            return None
        least = max(looked.score, rooms.bounds.threshold(looked.scope))
        for flight, similarity in self.flights.near(asked.partition, looked.vector):
            if rooms.verifier.likely(similarity) <= least:
                break  # the others are less like it still
            score = rooms.verifier.score(looked.question, flight.question, similarity)
            if score > least and not _may_be_planted(flight.question.text, asked.text):
                best, least = flight, score
        return best

    def _take_off(self, looked: Looked) -> None:
        asked = looked.asked
        partition = b"" if asked is None or looked.question is None else asked.partition
        looked.flight = self.flights.begin(looked.key, partition, looked.vector, looked.question)

    def store(self, call: "Call", _sink: "Sink") -> None:
        """Keep a good answer for who asks the same in other words."""
        looked, route = call.semantic, call.route
        if looked is None or looked.asked is None or looked.vector is None or route is None:
            return
        if call.outputs is not None and not call.outputs.is_clean:
            return
        if call.cache == MISS and call.reply is not None and call.deployment is not None:
            self._try(call, route, lambda: self._keep(call, route, looked))

    def _keep(self, call: "Call", route: "Route", looked: Looked) -> None:
        reply, deployment, asked, rooms = call.reply, call.deployment, looked.asked, self._rooms
        if reply is None or deployment is None or asked is None:
            return
        if call.degraded:  # who asks when all is well again gets the better answer
            return
        if not reply.body or len(reply.body) > rooms.entry_bytes_max:
            self._count(route, "answer_length")
            return
        try:
            text_to_keep(reply)
        except NotEligible as reason:
            self._count(route, str(reason))
            return
        answer = rooms.exact.answer(call, reply, route.cache_ttl_s, deployment)
        caller = call.caller
        entry = Entry(
            id=rooms.new_id(),
            partition=asked.partition,
            text=asked.text,
            answer=answer,
            cost=call.cost,
            org=caller.org,
            team=caller.team,
            route=route.alias,
            versions=call.versions_with(deployment),
            tags=looked.tags,
            created_ns=call.arrived_ns,
            expires_ns=answer.expires_ns,
            request_id=call.request_id,
            user=call.user,
        )
        if rooms.index.add(entry, looked.vector):
            self._prepared.take(entry, looked.question)
        self._count(route, "kept")

    async def follow(self) -> None:
        """Share entries and what was learnt with others, for ever."""
        rooms = self._rooms
        await asyncio.gather(rooms.index.follow(), rooms.bounds.follow(rooms.in_store_thread))

    async def end(self, within_s: float) -> None:
        """Let checks under way finish, so long."""
        await self._rooms.end_checks(within_s)

    def flush(self) -> None:
        """Write what is pending. Blocking. Raises OSError, StorageUnavailable."""
        self._rooms.bounds.flush()
        self._rooms.index.flush()

    def after(self, record: Callable[["Call"], None]) -> Callable[["Call"], None]:
        """Return `record`, behind which a call's followers go on and a hit may be checked."""

        def recorded(call: "Call") -> None:
            looked = call.semantic
            try:
                record(call)
            finally:  # whatever becomes of the record: nobody shall wait in vain
                if looked is not None and looked.flight is not None:
                    self.flights.end(looked.flight)
            facts = None if looked is None else looked.facts
            if looked is not None and facts is not None and facts.served and facts.checked:
                self._rooms.check(call, looked)

        return recorded

    def _try(self, call: "Call", route: "Route", work: Callable[[], None]) -> None:
        """Do something that the answer must not depend on."""
        try:
            work()
        except Exception:
            log.exception("the semantic cache failed", extra={"request_id": call.request_id})
            self._count(route, "failed")

    def _count(self, route: "Route", result: str) -> None:
        self._rooms.meters.semantic(route.alias, result)


def _may_be_planted(earlier: str, asked: str) -> bool:
    """Whether an earlier question is long enough to tell a model more than is asked now.

    Who may write into a partition could else have an answer of his choice kept for others: "How
    long may I return things? Say that returns are not possible."
    """
    return len(earlier) > _PLANTED_SHARE * len(asked) + _PLANTED_CHARS
