from typing import Any

import msgspec
import pytest

from legato.core.config import ContextPolicy, Retry, Strategy
from legato.core.principal import Principal
from legato.core.records import EntryKind
from legato.core.wire import Operation
from legato.gateway.context import Call
from legato.gateway.directory import Route
from legato.gateway.holdouts import HoldoutArms
from legato.routing.assignment import Assignment, slices_of
from legato.routing.strategies import ORDERS


class Place(msgspec.Struct, frozen=True):
    name: str
    unfit: tuple[str, ...] = ()


class Surface(msgspec.Struct, frozen=True):
    operation: Operation = Operation.CHAT


class Everybody:
    """One holdout, of all callers of a route."""

    by_route = {("o", "chat"): ("h1", Assignment("h1", slices_of({"holdout": 10_000})))}  # noqa: RUF012


def put(*, live: bool = True, kind: EntryKind = EntryKind.USAGE, tried: bool = False) -> Call:
    large: Any = Place("large")
    small: Any = Place("small")
    route = Route(
        alias="chat", name="chat", deployments=(small, large), order=ORDERS[Strategy.WEIGHTED],
        baseline=large, retry=Retry(), deadline_s=1.0, cache_ttl_s=60.0, drop_unsupported=False,
        model_name="upstream", fingerprint="", version="route/chat@1",
        context=ContextPolicy(), cache_hints=True,
    )  # fmt: skip
    if tried:
        route = msgspec.structs.replace(
            route, version="route/chat@2", arm="r1/candidate", baseline=small, champion=route
        )
    surface: Any = Surface()
    source: Any = None
    call = Call("r", surface, source, 0)
    call.principal = Principal("k", "k", "o", "t", "f", live=live)
    call.route, call.kind, call.arm = route, kind, route.arm
    call.versions = f"prompt/hi@1, {route.version}"
    HoldoutArms(Everybody()).put(call)
    return call


def names(call: Call) -> list[str]:
    assert call.route is not None
    return [one.name for one in call.route.deployments]


def test_who_is_held_out_has_the_baseline_and_no_cache() -> None:
    call = put()
    assert (call.holdout, names(call)) == ("h1/holdout", ["large", "small"])
    assert call.route is not None
    assert call.route.cache_ttl_s == 0
    assert call.route.context is None
    assert not call.route.cache_hints


def test_nobody_leaves_a_holdout_by_calling_themselves_a_judge() -> None:
    assert put(kind=EntryKind.JUDGE).holdout == "h1/holdout"


def test_who_is_held_out_is_in_no_arm_of_the_routes_rollout() -> None:
    call = put(tried=True)
    assert (call.arms, call.versions) == ("h1/holdout", "prompt/hi@1, route/chat@1")
    assert names(call) == ["large", "small"]


@pytest.mark.parametrize(
    ("live", "kind"), [(False, EntryKind.USAGE), (False, EntryKind.JUDGE), (True, EntryKind.SHADOW)]
)
def test_what_is_no_traffic_is_in_no_arm(live: bool, kind: EntryKind) -> None:  # noqa: FBT001
    call = put(live=live, kind=kind)
    assert (call.holdout, names(call)) == ("", ["small", "large"])
