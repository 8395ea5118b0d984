"""Wires what proves routes' quality, and tells them what share may leave the baseline."""

import random
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from legato.api.openai.chat import ChatCompletions
from legato.app.context import WorkerContext
from legato.core.clock import Clock
from legato.core.ids import IdSource
from legato.gateway.books import Books
from legato.gateway.breakers import BreakerBoard, Breakers
from legato.gateway.cascade import CascadeJudge
from legato.gateway.comparisons import ComparisonRooms, Comparisons
from legato.gateway.conversations import Conversations
from legato.gateway.directory import Directory, Route
from legato.gateway.judge_calls import JudgeCalls, JudgeRooms
from legato.gateway.pipeline import InputGuarding
from legato.gateway.shadows import Shadows
from legato.gateway.stages.call import CallStage
from legato.gateway.stages.exchange import Exchange
from legato.gateway.stages.record import RecordStage
from legato.registry.floor_shares import FloorShares
from legato.telemetry.metrics import Meters, Reading


class Based(Protocol):
    """What copies of calls are built on."""

    context: WorkerContext
    clock: Clock
    ids: IdSource
    meters: Meters
    floors: FloorShares
    conversations: Conversations


def copies_of(
    base: Based,
    directory: Directory,
    books: Books,
    record: RecordStage,
    *,
    input_guard: InputGuarding,
) -> tuple[Shadows, Comparisons]:
    """Return what answers copies of calls: for rollouts, and to set beside a route's baseline."""
    context = base.context
    names = [one.name for one in context.loaded.config.deployments]  # as the callers': same cells
    breakers = Breakers(  # of their own: what goes wrong in a copy is nothing to callers
        BreakerBoard(names, context.data.run / "shadow-breakers.lock"),
        context.loaded.config.breaker,
        time.monotonic,
    )
    exchange = Exchange(books, 0)
    call_stage = CallStage(exchange, breakers, random.random)
    exchange.judge = cascade_judge(base, directory, call_stage, record)
    shadows = Shadows(
        directory,
        call_stage,
        record,
        conversations=base.conversations,
        ids=base.ids,
        clock=base.clock,
        random=random.random,
        input_guard=input_guard,
    )
    rooms = ComparisonRooms(
        directory=directory,
        call_stage=call_stage,
        record=record,
        meters=base.meters,
        chat=ChatCompletions(base.clock),
        learn=base.floors.learn,
        new_id=base.ids.new,
        now_ns=base.clock.now_ns,
        random=random.random,
    )
    return shadows, Comparisons(rooms)


def cascade_judge(
    base: Based, directory: Directory, call_stage: CallStage, record: RecordStage
) -> CascadeJudge:
    """Return who is asked whether an answer of a cascade will do."""
    return CascadeJudge(
        JudgeCalls(
            JudgeRooms(
                directory=directory,
                stages=lambda: (call_stage, record),
                chat=ChatCompletions(base.clock),
                new_id=base.ids.new,
                now_ns=base.clock.now_ns,
                random=random.random,
            )
        )
    )


def guard(routes: Iterable[Route], floors: FloorShares) -> None:
    """Let every route that guarantees something follow what is proven of it."""
    for route in _with_arms(routes):
        choice = route.quality
        if choice is not None and choice.terms.guarantee is not None:
            choice.freedom = floors.share_of(route.alias, choice.policy_of)


def _with_arms(routes: Iterable[Route]) -> Iterator[Route]:
    for route in routes:
        yield route
        if route.split is not None:
            yield from route.split.arms


def floor_readings(routes: Iterable[Route], floors: FloorShares) -> list[Reading]:
    """Return a gauge of what may leave the baselines of routes that guarantee something."""
    shares: dict[str, list[tuple[str, str, float]]] = defaultdict(list)
    for (org, alias, policy), share in floors.shares.items():
        shares[alias].append((org, policy, share))
    found = {}
    for route in routes:
        choice = route.quality
        if choice is not None and choice.terms.guarantee is not None:
            current = [
                share
                for org, policy, share in shares[route.alias]
                if policy == choice.policy_of(org)
            ]
            found[route.alias] = current or [0.0]
    return freedom_readings(found) if found else []


def freedom_readings(shares: Mapping[str, Sequence[float]]) -> list[Reading]:
    """Return a gauge by alias: the least and the greatest share of all organisations.

    A label for each organisation would grow with them.
    """
    freedom: dict[tuple[str, ...], float] = {}
    for alias, found in shares.items():
        freedom[alias, "least"], freedom[alias, "greatest"] = min(found), max(found)
    told = "What share of requests may leave a route's baseline, of the organisations compared"
    return [Reading("legato_route_freedom", told, ("model", "of"), freedom)]
