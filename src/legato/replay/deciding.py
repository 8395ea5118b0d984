"""Decides a recorded request again by the gateway's own code, and compares bit for bit.

Resolving, the arm, the cache's stage, the order of candidates, the call stage with its retries and
fallbacks, and the money are those that serve requests. What the world did (draws, breakers,
attempts, the cache's content, how the caller and time went) comes from the record.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from enum import StrEnum
from typing import Any, Final

import msgspec

from legato.cache.exact import CachedAnswer
from legato.core.clock import ManualClock
from legato.core.config import Strategy
from legato.core.config_access import AccessRule
from legato.core.config_load import STALE_CACHE
from legato.core.decisions import (
    FROM_CACHE,
    HIT,
    MISS,
    NO_CACHE,
    NO_STORE,
    RATE_CLOSED,
    SEMANTIC,
    Decision,
)
from legato.core.errors import LegatoError
from legato.core.principal import Principal
from legato.core.records import EntryKind, Settled, decode_record
from legato.core.registry import HOLDOUT, SHADOW, TREATED
from legato.core.wire import Operation, RequestView
from legato.gateway.books import Books
from legato.gateway.context import Call, Reply, Sink
from legato.gateway.directory import Deployment, Directory, Route
from legato.gateway.stages.cached import CacheStages
from legato.gateway.stages.call import CallStage
from legato.gateway.stages.degrade import BY_BUDGET, degraded
from legato.gateway.stages.route import order_candidates
from legato.replay.day import Day
from legato.replay.racing import RecordedRace, flagged
from legato.replay.recorded import Recorded, Row, Unreplayable, recorded, usage_of
from legato.replay.script import Diverged, RecordedLoad, RecordedRoom, ReplayingSink, Script
from legato.routing.access import BoundRules
from legato.routing.assignment import Assignment, Slice, unit_of
from legato.routing.load.concurrency import Priority
from legato.routing.strategies import ORDERS

PromptRoute = Callable[[str, str], str | None]
"""Of an organisation's prompt version (`prompt/greeting@3fa9c1d2e4b5`): None where it is gone."""

AccessOf = Callable[[str], Sequence[AccessRule] | None]
"""The rules of access that mean a key, by its id: None where it is gone."""

_CLIENT_CLOSED: Final = 499
_OK: Final = 200
_CANCELLED: Final = "cancelled"
_OF_ROUTING: Final = frozenset({"invalid_request", "forbidden"})
_PROMPT: Final = "prompt/"
_AS_LISTED: Final = ORDERS[Strategy.ORDERED]


class Verdict(StrEnum):
    """What came of replaying a request."""

    REPRODUCED = "reproduced"
    DIFFERENT = "different"
    UNREPLAYABLE = "unreplayable"


class Replayed(msgspec.Struct, frozen=True):
    """One request: `causes` say what differs, or why it can't be replayed."""

    request_id: str
    verdict: Verdict
    causes: tuple[str, ...] = ()


class _Surface:
    """What the decisions ask of a surface."""

    def __init__(self, name: str, operation: str) -> None:
        self.name = name
        self.operation = Operation(operation)


class _Source:
    """A request's headers, as far as anything was decided by them."""

    def __init__(self, cache_control: int) -> None:
        said = [b"no-store"] * bool(cache_control & NO_STORE)
        said += [b"no-cache"] * bool(cache_control & NO_CACHE)
        self._cache_control = b", ".join(said) or None

    def header(self, name: bytes) -> bytes | None:
        """Return `cache-control`."""
        return self._cache_control if name == b"cache-control" else None


class _Cache:
    """Holds what it held then; `stale` is what it had beyond its time."""

    def __init__(self, answer: CachedAnswer | None, stale: CachedAnswer | None) -> None:
        self._answer = answer
        self._stale = stale

    async def stale(self, key: bytes) -> CachedAnswer | None:
        """Return what had expired, if it was given."""
        del key
        return self._stale

    def peek(self, key: bytes) -> CachedAnswer | None:
        """Return the answer, if there was one."""
        del key
        return self._answer

    def is_on_disk(self, key: bytes) -> bool:
        """All of it is in memory."""
        del key
        return False


class _Journal:
    """Keeps the last record instead of writing it."""

    def __init__(self) -> None:
        self.settled: Settled | None = None

    def append(self, payload: bytes) -> None:
        """Keep an entry."""
        record = decode_record(payload)
        self.settled = record if isinstance(record, Settled) else None


class Replay:
    """Decides recorded requests again."""

    def __init__(self, day: Day, prompt_route: PromptRoute, access: AccessOf | None = None) -> None:
        """`access` gives other rules of access than those of then."""
        self._day = day
        self._prompt_route = prompt_route
        self._access = access

    def request(self, trace: Row, entries: Sequence[Row]) -> Replayed:
        """Replay one request."""
        request_id = trace["request_id"]
        try:
            of = recorded(trace, entries)
            if self._access is not None:
                of = msgspec.structs.replace(of, decision=self._ruled(of))
            differences = self._differences(of)
        except Unreplayable as reason:
            return Replayed(request_id, Verdict.UNREPLAYABLE, (str(reason),))
        verdict = Verdict.DIFFERENT if differences else Verdict.REPRODUCED
        return Replayed(request_id, verdict, tuple(differences))

    def _ruled(self, of: Recorded) -> Decision:
        rules = self._access(of.trace["key_id"]) if self._access is not None else None
        if rules is None:
            raise Unreplayable("its key is gone: which rules would mean it isn't known")
        return msgspec.structs.replace(of.decision, access=tuple(rules))

    def _differences(self, of: Recorded) -> list[str]:
        call = call_of(of)
        journal = _Journal()
        written: Any = journal
        unasked: Any = None  # budgets: whether a hold was granted is in the record
        books = Books(
            written,
            unasked,
            ManualClock(of.trace["at_ns"]),
            config_version=of.decision.config,
            durable=False,
        )
        script = Script(of, books)
        try:
            self._resolve(call, of)
            stages = self._look_up(call, of, script, journal)
            if call.reply is None:
                _decide(call, of, script, stages)
                entry = of.entries.get(0)
                if call.degraded == STALE_CACHE and entry is not None:
                    _compare_hit(call, entry, script, journal)
        except Diverged as difference:
            if not of.decision.steps and of.trace["error_code"] not in {"", *_OF_ROUTING}:
                msg = f"it ended before its deployments were ordered: {of.trace['error_code']}"
                raise Unreplayable(msg) from None
            return [*script.differences, str(difference)]
        return [*script.differences, *_compared(call, of, script)]

    def _resolve(self, call: Call, of: Recorded) -> None:
        """Set route, arm and versions. Raises Diverged, Unreplayable."""
        route = self._day.route(of.decision.route)
        directory = Directory({route.alias: route})
        model, versions = of.trace["model_requested"], of.trace["versions"]
        prompts = [one for one in versions.split(", ") if one.startswith(_PROMPT)]
        if not prompts:
            call.route = _named(directory, model, call)
            call.versions, call.arm = route.version, _arm(call, of)
            return
        call.versions = ", ".join(filter(None, (prompts[0], route.version)))
        if of.decision.route_asked:  # whatever the prompt says
            call.route = _named(directory, of.decision.route_asked, call)
            call.arm = _arm(call, of)
            return
        alias = self._prompt_route(of.trace["org"], prompts[0])
        if alias is None:
            msg = f"{prompts[0]} is not kept or can't be read"
            raise Unreplayable(msg)
        call.route = directory.named(alias)
        if call.route is None:
            msg = f"{prompts[0]} is sent to {alias}, then it went to {route.alias}"
            raise Diverged(msg)
        call.arm = _arm(call, of)

    def _look_up(
        self, call: Call, of: Recorded, script: Script, journal: _Journal
    ) -> CacheStages | None:
        """Ask the cache as it was, and compare what a hit saved; return it, where there was one."""
        if not of.looked_into_cache:
            return None
        route, entry = call.route, of.entries.get(0)
        answer = _answer_of(of)
        is_stale = of.decision.degraded == STALE_CACHE
        fresh = answer if of.trace["cache"] == HIT and not is_stale else None
        cache: Any = _Cache(fresh, answer if is_stale else None)
        behind = {} if route is None else {one.name: one for one in route.called}
        stages = CacheStages(cache, script.books, Directory({}, behind))
        rest = stages.lookup(call)
        if rest is not None:
            msg = "the cache has to be waited for"
            raise Diverged(msg)
        if answer is not None and fresh is None and not is_stale and call.cache == MISS:
            _serve_alike(call, of, stages, answer)
        if call.reply is not None and entry is not None:
            _compare_hit(call, entry, script, journal)
        return stages


def _answer_of(of: Recorded) -> CachedAnswer | None:
    """Return what the cache answered with; None where it didn't."""
    entry = of.entries.get(0)
    if entry is None or of.trace["cache"] not in FROM_CACHE:
        return None
    return CachedAnswer(
        b"{}",
        frames=False,
        usage=usage_of(entry),
        duration_us=of.decision.cached_us,
        deployment=entry["deployment"],
        model_served=entry["model_served"],
        expires_ns=0,
    )


def _compare_hit(call: Call, entry: Row, script: Script, journal: _Journal) -> None:
    again = call.baseline_cost
    if journal.settled is not None:
        script.compare_facts(entry, journal.settled.facts)
    if again != entry["baseline_cost"]:
        said = f"cache hit: baseline_cost {again}, then {entry['baseline_cost']}"
        script.differences.append(said)


def _serve_alike(call: Call, of: Recorded, stages: CacheStages, answer: CachedAnswer) -> None:
    """Serve the answer to a question of the same meaning, by the score and threshold of then.

    What was found and what the bound had learnt is as recorded: it isn't kept to be found again.
    """
    facts = of.decision.semantic
    if facts is None or not facts.served or facts.score < facts.threshold:
        msg = "the semantic cache would not have served it"
        raise Diverged(msg)
    stages.serve(call, answer, SEMANTIC)


def _named(directory: Directory, name: str, call: Call) -> Route:
    """Return what a caller names. Raises Diverged."""
    try:
        return directory.resolve(name, call.caller)
    except LegatoError as error:
        msg = f"{name} is not resolved: {error.code}"
        raise Diverged(msg) from None


def _decide(call: Call, of: Recorded, script: Script, stages: CacheStages | None) -> None:
    """Order the candidates and call them; what comes of it is set on the call."""
    route = call.route
    if route is None:
        msg = "no route"
        raise Diverged(msg)
    _require_known(route, of)
    if route.queue is not None:
        room = RecordedRoom(route.queue.terms, script)
        route = call.route = msgspec.structs.replace(route, queue=room)
    try:
        set_measured(route, of, script)
        call.candidates = order_candidates(call, route, script.random)
        call.reply = _run(_answered(call, script, of, stages))
    except LegatoError as error:
        call.error_code, call.http_status = error.code, error.http_status
    except asyncio.CancelledError:
        call.error_code, call.http_status = _CANCELLED, _CLIENT_CLOSED


def _require_known(route: Route, of: Recorded) -> None:
    """Raise Unreplayable where an older version left out what a decision depended on."""
    if route.hedging is None and flagged(of.decision.steps):
        raise Unreplayable("an older version recorded two attempts without who was first")
    if of.decision.degraded.startswith(BY_BUDGET):
        raise Unreplayable("a budget had it answered by another route before the wall")
    if not route.degrade and of.decision.degraded:
        raise Unreplayable(f"an older version recorded the lesser answer {of.decision.degraded}")


async def _answered(call: Call, script: Script, of: Recorded, stages: CacheStages | None) -> Reply:
    """Call the candidates, and give a lesser answer where the route has one."""
    sink, route = ReplayingSink(), call.route
    racing = RecordedRace(script, of.decision.hedged)
    stage = CallStage(
        script, script, script.random, deadlines=script, sleep=script.sleep, racing=racing
    )

    async def ask(call: Call, sink: Sink) -> Reply:
        script.asks(call)
        return await stage(call, sink)

    try:
        return await ask(call, sink)
    except LegatoError as error:
        if route is None or not route.degrade:
            raise
        return await degraded(call, sink, error, cache=stages, call_stage=ask)


def _compared(call: Call, of: Recorded, script: Script) -> list[str]:
    """Return what differs from what the record says came of it."""
    decision, trace = of.decision, of.trace
    said = trace["error_code"]
    if call.reply is not None:
        if said and said != _CANCELLED:
            msg = f"it failed after its decisions: {said}"
            raise Unreplayable(msg)
        # whether the caller stayed to the end was none of the gateway's decisions
        call.http_status = trace["http_status"] if said else _OK
        call.error_code = said
    deployment = "" if call.deployment is None else call.deployment.name
    pairs = (
        ("http_status", call.http_status, trace["http_status"]),
        ("error_code", call.error_code, said),
        ("cache", call.cache, trace["cache"]),
        ("deployment", deployment, trace["deployment"]),
        ("attempts", call.attempts, trace["attempts"]),
        ("cost", call.cost, trace["cost"]),
        ("baseline_cost", call.baseline_cost, decision.baseline_cost),
        ("versions", call.versions_with(call.deployment), trace["versions"]),
        ("arm", call.arms, trace["arm"]),
        ("steps", call.steps, decision.steps),
        ("draws", call.draws, decision.draws),
        ("latencies", call.latencies, decision.latencies),
        ("routed", call.routed, decision.routed),
        ("loads", call.loads, decision.loads),
        ("near", call.near, decision.near),
        ("queued", call.queued, decision.queued),
        ("hedged", call.hedged or None, decision.hedged),
        ("degraded", call.degraded, decision.degraded),
        ("text_tokens", call.text_tokens, decision.text_tokens),
    )
    found = [f"{name} {again!r}, then {then!r}" for name, again, then in pairs if again != then]
    left = script.left()
    return [*found, left] if left else found


_OF_HOLDOUTS: Final = frozenset({HOLDOUT, TREATED})


def call_of(of: Recorded) -> Call:
    """Return a call as it was recorded."""
    trace, decision = of.trace, of.decision
    access = BoundRules(decision.access) if decision.access else None
    surface: Any = _Surface(trace["surface"], decision.operation)
    source: Any = _Source(decision.cache_control)
    call = Call(of.request_id, surface, source, trace["at_ns"])
    call.principal = Principal(
        trace["key_id"],
        "",
        trace["org"],
        trace["team"],
        trace["feature"],
        require=decision.require,
        access=access,
    )
    call.view = RequestView(
        model=trace["model_requested"],
        stream=trace["stream"],
        max_output_tokens=decision.max_output_tokens,
        choices=decision.choices,
        image_count=decision.image_count,
        needs=decision.needs,
        unit=decision.unit,
        units=decision.units,
    )
    call.body_bytes, call.user = decision.body_bytes, decision.user
    call.routed = decision.routed
    call.priority = Priority[decision.priority.upper()] if decision.priority else None
    call.kind, call.text_tokens = EntryKind(decision.kind), decision.text_tokens
    return call


def _arm(call: Call, of: Recorded) -> str:
    """Assign the arm of a rollout again; that of a holdout, or a copy's, is as recorded.

    Raises:
        Unreplayable: it isn't known how callers were divided.
    """
    recorded = of.trace["arm"].split()
    call.holdout = next((one for one in recorded if one.rpartition("/")[2] in _OF_HOLDOUTS), "")
    recorded_arm = next((one for one in recorded if one != call.holdout), "")
    if not recorded_arm or recorded_arm.endswith(f"/{SHADOW}"):
        return recorded_arm
    slices = tuple(Slice(*part) for part in of.decision.slices)
    if not slices:
        msg = "the slices of its rollout were not recorded"
        raise Unreplayable(msg)
    rollout = recorded_arm.rpartition("/")[0]
    unit = unit_of(call.user, call.request_id)
    return f"{rollout}/{Assignment(rollout, slices).arm(unit)}"


def set_measured(route: Route, of: Recorded, script: Script) -> None:
    """Give a route's deployments what was measured of them then. Raises Diverged."""
    able = _able(route, of)
    _set_latencies(able, of)
    _set_loads(route, able, of, script)


def _able(route: Route, of: Recorded) -> list[Deployment]:
    """Return which deployments can serve it, where they were ordered by what was measured."""
    measured = of.decision.latencies or of.decision.loads
    if not measured:
        return []
    probe = call_of(of)
    probe.route = route = msgspec.structs.replace(route, order=_AS_LISTED)
    able = order_candidates(probe, route, lambda: 0.0)
    listed = [one for one in route.deployments if one in able]
    if len(listed) != len(measured):
        msg = "other deployments can serve it"
        raise Diverged(msg)
    return listed


def _set_latencies(able: Sequence[Deployment], of: Recorded) -> None:
    """Give the deployments that were ordered by latency the ones of then, in their order."""
    for one, latency_ms in zip(able, of.decision.latencies, strict=False):
        one.candidate.latency_ms = latency_ms


def _set_loads(route: Route, able: Sequence[Deployment], of: Recorded, script: Script) -> None:
    """Give deployments the loads of then, and those that nothing went by none."""
    decision = of.decision
    closed = any(step.code == RATE_CLOSED for step in decision.steps)
    went_by_load = closed or bool(decision.loads or decision.near or decision.priority)
    busy = {one.name: load for one, load in zip(able, decision.loads, strict=False)}
    for one in route.called:
        one.load = (
            RecordedLoad(script, busy.get(one.name, 0.0), near=one.name in decision.near)
            if went_by_load
            else None
        )


def _run(coroutine: Coroutine[Any, Any, Reply]) -> Reply:
    """Drive the stage: nothing in it waits, so it needs no event loop."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        reply: Reply = done.value
        return reply
    coroutine.close()
    msg = "the call stage waits for something"
    raise Diverged(msg)
