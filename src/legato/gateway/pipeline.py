"""The request path, in one place. Read this first.

    authenticate → read → admit → resolve → (recall) → (rule_tools) → (capture) → (guard_input)
      → (plan_output) → lookup_cache → (lookup_semantic) → route
      → call [reserve → attempt, its answer checked, again and again]
      → store_cache → (keep) → send → (store_semantic) → record

Stages are leaves; all branching is in `Pipeline.stages`. Each surface's stages are assembled once
at start (see `legato.app.bootstrap`) and run as they stand: what `legato endpoints` lists is what
runs. A stage that is off is not among them and costs no call.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

import msgspec

from legato.core.decisions import FROM_CACHE
from legato.core.errors import InvalidRequest, LegatoError
from legato.core.records import EntryKind
from legato.core.wire import Operation, Surface, Turn
from legato.gateway.arms import serving
from legato.gateway.context import Waiting
from legato.gateway.guards.checked import CHECKED
from legato.gateway.prompts import names_prompt, put_prompt, unread
from legato.gateway.request_features import asked_text
from legato.gateway.semantic.tags import tags_of
from legato.gateway.shorten import shorten, summarise
from legato.gateway.stages.admit import admitted
from legato.gateway.stages.count_tokens import count_tokens
from legato.gateway.stages.degrade import degraded, step_down
from legato.gateway.stages.read import read_json
from legato.gateway.stages.reply import error_headers, reply_headers
from legato.gateway.stages.route import order_candidates
from legato.gateway.stages.trace import accept_traceparent
from legato.gateway.tools import rule_tools, unruled

if TYPE_CHECKING:
    from legato.core.config import ContextPolicy
    from legato.core.guarding import Reach
    from legato.gateway.capture import CaptureStage
    from legato.gateway.context import Call, Sink
    from legato.gateway.conversations import Conversations
    from legato.gateway.directory import Directory, Route
    from legato.gateway.guards.checked import AnswerGuard
    from legato.gateway.holdouts import HoldoutArms
    from legato.gateway.lookups import Lookups
    from legato.gateway.prompts import Prompts
    from legato.gateway.stages.cached import CacheStages
    from legato.gateway.stages.call import CallStage
    from legato.gateway.stages.defer import Defer
    from legato.gateway.stages.record import RecordStage
    from legato.gateway.stages.semantic import SemanticStages
    from legato.gateway.summaries import Summaries
    from legato.governance.keyring import Keyring
    from legato.governance.limits import Limits

log = logging.getLogger(__name__)

CLIENT_CLOSED_REQUEST = 499
RECORD = "record"
Guard = Callable[["Call"], Awaitable[None]]


class InputGuarding(Protocol):
    """Looks into what is sent; see `legato.gateway.guards.input`."""

    def passes(self, call: "Call") -> bool:
        """Whether there is nothing to look for at all."""
        ...

    async def __call__(self, call: "Call") -> None:
        """Let a call pass, change it, or refuse it."""
        ...

    @property
    def reach(self) -> "Callable[[Call], Reach]":
        """Tells what a call's policies may be attached to."""
        ...

    def refuse_unread(self, call: "Call") -> None:
        """Refuse a call whose content can't be looked into, where a policy asks for that."""
        ...


class Stage(NamedTuple):
    """One step of a request: left out where `unless` says so, timed under `name` else."""

    name: str
    run: Callable[["Call", "Sink"], Awaitable[None] | None]
    """What it does; where it may have to wait, it returns the rest of it to be awaited."""
    unless: Callable[["Call"], bool] | None = None
    within: tuple[str, ...] = ()
    """Stages that it times by itself, each before its own end, as often as they run."""


@runtime_checkable
class Conversational(Protocol):
    """What a surface has beside the rest, whose requests may continue a conversation."""

    def turn(self, body: dict[str, Any]) -> Turn:
        """Return the surface of one request. Raises InvalidRequest."""
        ...


class Assembly(msgspec.Struct, frozen=True, eq=False):
    """The stages of one surface, in the order they run. Serves its requests."""

    surface: Surface
    stages: tuple[Stage, ...]
    limits: "Limits"
    record: Callable[["Call"], None]
    copy: Callable[["Call"], None] | None = None
    """Sends a call that is over to its shadow."""
    compare: Callable[["Call"], None] | None = None
    """Sets a call that is over beside what another deployment answers."""

    @property
    def names(self) -> tuple[str, ...]:
        """The stages by name, those within a stage before it."""
        timed = [name for stage in self.stages for name in (*stage.within, stage.name)]
        return (*timed, RECORD)

    async def __call__(self, call: "Call", sink: "Sink") -> None:
        """Serve one request, whatever happens to it."""
        try:
            for name, run, unless, _ in self.stages:
                if unless is None or not unless(call):
                    rest = run(call, sink)
                    if rest is not None:
                        await rest
                    call.mark(name)
            call.http_status = 200
        except LegatoError as error:
            await _refuse(call, sink, error)
        except asyncio.CancelledError:
            call.http_status, call.error_code = CLIENT_CLOSED_REQUEST, "cancelled"
            raise
        except Exception:
            # a defect of ours: the caller gets no detail, the log gets all of it but the text
            log.exception("request failed", extra={"request_id": call.request_id})
            await _refuse(call, sink, LegatoError("Legato failed; the log has the details."))
        finally:
            if call.slots_taken:
                self.limits.release(call.slots_taken)
            self.record(call)
            if call.copy is not None and self.copy is not None:
                self.copy(call)
            if call.compare and self.compare is not None:
                self.compare(call)


class Pipeline(msgspec.Struct, frozen=True, eq=False):
    """What the stages work with, wired."""

    keyring: "Keyring"
    limits: "Limits"
    directory: "Directory"
    cache: "CacheStages | None"
    call_stage: "CallStage"
    record: "RecordStage"
    random: Callable[[], float]
    pseudonym: Callable[[str, str], str]
    conversations: "Conversations"
    prompts: "Prompts | None" = None
    capture: "CaptureStage | None" = None
    shadows: Callable[["Call"], None] | None = None
    comparisons: Callable[["Call"], None] | None = None
    holdouts: "HoldoutArms | None" = None
    semantic: "SemanticStages | None" = None
    defer: "Defer | None" = None
    summaries: "Summaries | None" = None
    guard_input: InputGuarding | None = None
    outputs: "AnswerGuard | None" = None
    lookups: "Lookups | None" = None

    def assemble(self, surface: Surface) -> Assembly:
        """Return what serves a surface's requests."""
        record: Callable[[Call], None] = self.record
        if self.capture is not None:
            record = self.capture.after(record)
        if self.semantic is not None:
            record = self.semantic.after(record)
        stages = tuple(self.stages(surface))
        return Assembly(surface, stages, self.limits, record, self.shadows, self.comparisons)

    def stages(self, surface: Surface) -> Iterator[Stage]:
        """Yield the stages of a surface, in order."""
        counts = surface.operation is Operation.COUNT_TOKENS
        conversational = isinstance(surface, Conversational)
        yield Stage("authenticate", self._authenticate)
        yield Stage("read", self._read)
        yield Stage("admit", self._admit)
        yield Stage("resolve", self._resolve)
        if conversational:
            yield Stage("recall", self._recall)
        yield Stage("rule_tools", rule_tools, unless=unruled)
        if self.capture is not None and not counts:
            yield Stage("capture", _choosing(self.capture))
        if self.guard_input is not None:
            guard = self.guard_input
            yield Stage("guard_input", _guarding(guard), unless=guard.passes)
        if self.outputs is not None and surface.operation in CHECKED:
            yield Stage("plan_output", _planning(self.outputs), unless=self.outputs.passes)
        if self.cache is not None and not counts:
            yield Stage("lookup_cache", self._lookup_cache)
        if self.semantic is not None and not counts:
            yield Stage("lookup_semantic", self.semantic.lookup, unless=_answered)
        if counts:  # costs nothing: there is nothing to reserve
            yield Stage("call", _count)
        else:
            yield Stage("route", self._route, unless=_answered)
            yield Stage("call", self._call, unless=_answered, within=self.call_stage.within)
        if self.cache is not None and not counts:
            yield Stage("store_cache", self._store_cache, unless=_hit)
        if conversational and not counts:
            yield Stage("keep", self._keep, unless=sent)
        yield Stage("send", send, unless=sent)
        if self.semantic is not None and not counts:
            yield Stage("store_semantic", self.semantic.store, unless=_hit)

    def _authenticate(self, call: "Call", _sink: "Sink") -> Awaitable[None] | None:
        call.principal = self.keyring.known(call.source.credential, call.source.address)
        return None if call.principal is not None else self._identify(call)

    async def _identify(self, call: "Call") -> None:
        call.principal = await self.keyring.identify(call.source.credential, call.source.address)

    async def _read(self, call: "Call", _sink: "Sink") -> None:
        accept_traceparent(call, call.source.header(b"traceparent"))
        purpose = call.source.header(b"x-legato-purpose")
        if purpose is not None:
            call.kind = _kind(purpose)
        raw = await call.source.body()
        call.body_bytes = len(raw)
        if self.capture is not None:
            call.raw = raw
        if self.semantic is not None:
            tags_of(call)  # what is wrong is refused before anything is decided
        body = call.body = read_json(raw)
        if self.prompts is not None and names_prompt(body):
            call.view = unread(body)  # it is whole when it has been resolved
            call.user = self._user(call)
            return
        view = call.view = call.surface.read(body)
        if view.turn is not None:
            view.turn.answers(call.request_id)
            call.surface = view.turn
        call.user = self._user(call)

    def _admit(self, call: "Call", _sink: "Sink") -> Awaitable[None] | None:
        return None if self.limits.free(call.caller) else admitted(call, self.limits)

    def _resolve(self, call: "Call", _sink: "Sink") -> Awaitable[None] | None:
        waiting = self._resolved(call)
        return waiting if self.lookups is None else self._looked_up(call, waiting, self.lookups)

    async def _looked_up(
        self, call: "Call", waiting: Awaitable[None] | None, lookups: "Lookups"
    ) -> None:
        """Ask what the route's rules look up, once it is known."""
        if waiting is not None:
            await waiting
        rules = None if call.route is None else call.route.rules
        if rules is not None and rules.lookups:
            call.looked_up = await lookups.of_route(call, rules)

    def _resolved(self, call: "Call") -> Awaitable[None] | None:
        if self.prompts is None or not names_prompt(call.body):
            route = self.directory.resolve(call.view.model, call.caller)
            call.route = serving(call, route) if route.version else route
            if self.holdouts is not None and self.holdouts.held.by_route:
                self.holdouts.put(call)
            return None
        looking_up = self.prompts.look_up(call.view.model, call.caller)
        if looking_up is not None:
            return self._put_after(looking_up, call, self.prompts)
        self._put(call, self.prompts)
        return None

    async def _put_after(
        self, looking_up: Awaitable[None], call: "Call", prompts: "Prompts"
    ) -> None:
        await looking_up
        self._put(call, prompts)

    def _put(self, call: "Call", prompts: "Prompts") -> None:
        put_prompt(call, prompts, self.directory)
        call.user = self._user(call)
        if self.holdouts is not None and self.holdouts.held.by_route:
            self.holdouts.put(call)

    async def _recall(self, call: "Call", _sink: "Sink") -> None:
        turn = call.view.turn
        if turn is not None and (turn.previous_id or turn.referenced_ids):
            await self.conversations.recall(call, call.caller.org, turn)

    def _lookup_cache(self, call: "Call", _sink: "Sink") -> Awaitable[None] | None:
        return None if self.cache is None else self.cache.lookup(call)

    def _route(self, call: "Call", _sink: "Sink") -> Awaitable[None] | None:
        if call.budget_steps is not None:
            step_down(call, self.directory)
        if call.route is not None:
            if call.route.deferred_s is not None and self.defer is not None:
                waiting = self.defer(call)
                if waiting is not None:
                    return self._prepare_after(waiting, call, call.route)
            return self._prepare(call, call.route)
        return None

    async def _prepare_after(self, waiting: Awaitable[None], call: "Call", route: "Route") -> None:
        await waiting
        if call.reply is None:  # none like it was waiting
            preparing = self._prepare(call, route)
            if preparing is not None:
                await preparing

    def _prepare(self, call: "Call", route: "Route") -> Awaitable[None] | None:
        policy = route.context
        if policy is not None and policy.summarise is not None:
            return self._summarise(call, route, policy)
        if policy is not None:
            shorten(call, policy)
        return self._order(call, route)

    def _order(self, call: "Call", route: "Route") -> Awaitable[None] | None:
        ahead = None if route.quality is None else route.quality.ahead(call.caller.org)
        if ahead is not None:
            return self._order_after(call, route, ahead)
        call.candidates = order_candidates(call, route, self.random)
        return None

    async def _order_after(
        self, call: "Call", route: "Route", ahead: "Callable[[str], None]"
    ) -> None:
        """Have a thread do what takes long of reading the question."""
        with Waiting(call):
            await asyncio.to_thread(ahead, asked_text(call.body))
        call.candidates = order_candidates(call, route, self.random)

    async def _summarise(self, call: "Call", route: "Route", policy: "ContextPolicy") -> None:
        if self.summaries is None:
            shorten(call, policy)
        else:
            await summarise(call, policy, self.summaries)
        ordered = self._order(call, route)
        if ordered is not None:
            await ordered

    async def _call(self, call: "Call", sink: "Sink") -> None:
        try:
            if call.outputs is not None and self.outputs is not None:
                call.reply = await self.outputs.answered(call, sink, self.call_stage)
            else:
                call.reply = await self.call_stage(call, sink)
        except LegatoError as error:
            if call.route is None or not call.route.degrade:
                raise
            call.reply = await degraded(
                call, sink, error, cache=self.cache, call_stage=self.call_stage
            )

    def _store_cache(self, call: "Call", _sink: "Sink") -> None:
        if call.outputs is not None and not call.outputs.is_clean:
            return
        if self.cache is not None and call.reply is not None:
            self.cache.store(call, call.reply)

    async def _keep(self, call: "Call", _sink: "Sink") -> None:
        if call.reply is not None:
            call.reply = await self.conversations.kept(call, call.reply)

    def _user(self, call: "Call") -> str:
        user = call.caller.user or call.view.user
        if not user:
            header = call.source.header(b"x-legato-user")
            user = "" if header is None else header.decode("utf-8", "replace")
        return self.pseudonym(call.caller.org, user) if user else ""


def _kind(purpose: bytes) -> EntryKind:
    if purpose != EntryKind.JUDGE.value.encode():
        msg = "x-legato-purpose: `judge` is the only one that is told apart; leave the header out"
        raise InvalidRequest(msg, param="x-legato-purpose")
    return EntryKind.JUDGE


def _answered(call: "Call") -> bool:
    return call.reply is not None


def _hit(call: "Call") -> bool:
    return call.cache in FROM_CACHE


def sent(call: "Call") -> bool:
    """Whether the answer went out as a stream."""
    return call.reply is not None and call.reply.sent


def _guarding(guard: Guard) -> Callable[["Call", "Sink"], Awaitable[None]]:
    async def run(call: "Call", _sink: "Sink") -> None:
        await guard(call)

    return run


def _planning(outputs: "AnswerGuard") -> Callable[["Call", "Sink"], None]:
    def run(call: "Call", _sink: "Sink") -> None:
        outputs.prepare(call)

    return run


def _choosing(capture: "CaptureStage") -> Callable[["Call", "Sink"], None]:
    def run(call: "Call", _sink: "Sink") -> None:
        capture.choose(call)

    return run


async def _count(call: "Call", _sink: "Sink") -> None:
    call.reply = await count_tokens(call)


async def send(call: "Call", sink: "Sink") -> None:
    """Send an answer that has not gone out yet."""
    reply = call.reply
    if reply is None:
        msg = "send runs after call"
        raise AssertionError(msg)
    if reply.frames:
        await sink.start(reply_headers(call, stream=True, content_type=b"text/event-stream"))
        await sink.end(reply.body)
    else:
        headers = reply_headers(call, stream=False, content_type=reply.content_type)
        await sink.reply(200, headers, reply.body)


async def _refuse(call: "Call", sink: "Sink", error: LegatoError) -> None:
    call.error_code = error.code
    call.http_status = error.http_status
    if error.log_level >= logging.WARNING:
        log.log(
            error.log_level,
            "%s",
            error.code,
            extra={
                "request_id": call.request_id,
                "model": "" if call.route is None else call.view.model,
            },
        )
    if sink.began and call.view.stream:
        frames = call.surface.stream_error(error, call.request_id)
        await sink.end(frames if call.filtering is None else call.filtering.failure(frames))
    elif sink.began:  # sound, in which no word can be said
        sink.cut()
    else:
        body = call.surface.error(error, call.request_id)
        await sink.reply(error.http_status, error_headers(call, error), body)
