"""Checks of hits: a stored answer beside a fresh one, in the background, for the bound to learn.

A fresh answer is asked of the hit's own route when the caller has his; it stands in the ledger as
overhead, under its organisation's daily limit of checks, whatever the key's own budget. Where the
words of the two differ and no judge can tell, the hit counts as wrong.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import msgspec

from legato.core.records import EntryKind
from legato.core.wire import RequestView, Surface
from legato.gateway.background import Background, Nowhere, SameHeaders, answered
from legato.gateway.context import Call
from legato.gateway.semantic.agreement import says_the_same
from legato.gateway.semantic.answers import text_of
from legato.gateway.semantic.asked import NotEligible
from legato.judging.same import ask_same, read_same

if TYPE_CHECKING:
    from legato.cache.semantic.index import SemanticIndex
    from legato.core.principal import BudgetLimit
    from legato.gateway.directory import Directory, Route
    from legato.gateway.looked import Looked
    from legato.gateway.semantic.bounds import Bounds
    from legato.gateway.stages.call import CallStage
    from legato.gateway.stages.record import RecordStage
    from legato.telemetry.metrics import Meters

_FORM: Final = frozenset({"stream", "stream_options"})
_encode = msgspec.json.Encoder().encode


class CheckRooms(msgspec.Struct, frozen=True, eq=False):
    """What checks work with; `judge` is an alias or a deployment, "" for none."""

    directory: "Directory"
    call_stage: "CallStage"
    record: "RecordStage"
    bounds: "Bounds"
    index: "SemanticIndex"
    meters: "Meters"
    chat: Surface
    budget: "Callable[[str], BudgetLimit]"
    """By organisation: what one has spent leaves the others' as it is."""
    judge: str
    new_id: Callable[[], str]
    now_ns: Callable[[], int]
    random: Callable[[], float]


class Checks:
    """Compares answers, a few at once."""

    def __init__(self, rooms: CheckRooms) -> None:
        self._rooms = rooms
        self._background = Background("cache check")
        self.end = self._background.end

    def __call__(self, live: Call, looked: "Looked") -> None:
        """Compare the answer that was served with a fresh one. Waits for nothing."""
        if self._background.is_full:
            self._count(live, "check_left_out")
        else:
            self._background.begin(self._compare(live, looked))

    async def _compare(self, live: Call, looked: "Looked") -> None:
        earlier = _text(looked)
        call = self._call(live, live.surface, live.route, EntryKind.OVERHEAD)
        # asked whole, and as no turn: nothing of it is kept or streamed
        call.body = {name: value for name, value in live.body.items() if name not in _FORM}
        call.body_bytes = live.body_bytes
        call.view = msgspec.structs.replace(live.view, stream=False, turn=None)
        call.source, call.priority = SameHeaders(live.source), live.priority
        call.versions, call.cache_key = live.versions, live.cache_key
        fresh = await self._ask(call)
        if fresh is None or earlier is None:
            self._count(live, "check_failed")
            return
        if says_the_same(earlier, fresh):
            self._learn(live, looked, right=True)
        else:
            await self._judged(live, looked, earlier, fresh)

    async def _judged(self, live: Call, looked: "Looked", earlier: str, fresh: str) -> None:
        """Ask the judge, where there is one; without a verdict the answer counts as wrong."""
        rooms, asked = self._rooms, looked.asked
        said = None
        route = rooms.directory.named(rooms.judge) if rooms.judge else None
        if route is not None and asked is not None:
            body, ticket = ask_same(rooms.judge, asked.text, earlier, fresh)
            call = self._call(live, rooms.chat, route, EntryKind.JUDGE)
            call.body, call.body_bytes = body, len(_encode(body))
            call.view = RequestView(model=rooms.judge)
            verdict = await self._ask(call)
            said = None if verdict is None else read_same(verdict, ticket)
        if said is None:
            self._count(live, "check_undecided")
        self._learn(live, looked, right=bool(said))

    async def _ask(self, call: Call) -> str | None:
        """Return the text of an answer; None where there is none. The books are closed."""
        try:
            reply = await answered(call, self._rooms.call_stage, self._rooms.random)
        finally:
            self._rooms.record.overhead(call)
        try:
            return None if reply is None else text_of(reply.body, frames=reply.frames)
        except NotEligible:
            return None

    def _call(self, live: Call, surface: Surface, route: "Route | None", kind: EntryKind) -> Call:
        """Return a call of its own, by the same key, within the limit of checks."""
        call = Call(self._rooms.new_id(), surface, Nowhere(), self._rooms.now_ns())
        priced = route is not None and all(one.price is not None for one in route.deployments)
        budget = (
            self._rooms.budget(live.caller.org) if priced else None
        )  # what has no price can't be held
        call.principal = msgspec.structs.replace(live.caller, budget=budget)
        call.kind, call.user, call.route = kind, live.user, route
        return call

    def _learn(self, live: Call, looked: "Looked", *, right: bool) -> None:
        terms = None if live.route is None else live.route.semantic
        if terms is not None:
            self._rooms.bounds.learn(looked.scope, terms, looked.score, right=right)
        if not right and looked.nearest is not None:
            self._rooms.index.wrong(looked.nearest.id)
        self._count(live, "check_right" if right else "check_wrong")

    def _count(self, live: Call, result: str) -> None:
        alias = "" if live.route is None else live.route.alias
        self._rooms.meters.semantic(alias, result)


def _text(looked: "Looked") -> str | None:
    if looked.nearest is None:
        return None
    answer = looked.nearest.answer
    try:
        return text_of(answer.body, frames=answer.frames)
    except NotEligible:
        return None
