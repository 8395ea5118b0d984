from typing import Any

import msgspec

from legato.core.config import Retry, Strategy
from legato.core.principal import Principal
from legato.gateway.arms import serving
from legato.gateway.context import Call
from legato.gateway.directory import Route
from legato.routing.strategies import ORDERS

NOTHING: Any = None
CHAMPION = Route(
    alias="chat", name="chat", deployments=(), order=ORDERS[Strategy.ORDERED], baseline=NOTHING,
    retry=Retry(), deadline_s=1.0, cache_ttl_s=0.0, drop_unsupported=False,
    model_name="upstream", fingerprint="", version="route/chat@1",
)  # fmt: skip
CANDIDATE = msgspec.structs.replace(CHAMPION, version="route/chat@2", arm="r1/candidate")


class Everybody:
    """A rollout that gives all callers the candidate."""

    def of(self, unit: str) -> Route:
        assert unit == "r"
        return CANDIDATE


def served(*, live: bool) -> Call:
    call = Call("r", NOTHING, NOTHING, 0)
    call.principal = Principal("k", "k", "o", "t", "f", live=live)
    call.route = serving(call, msgspec.structs.replace(CHAMPION, split=Everybody()))
    return call


def test_a_caller_is_in_an_arm_of_the_routes_rollout() -> None:
    call = served(live=True)
    assert (call.arm, call.versions) == ("r1/candidate", "route/chat@2")


def test_an_evaluation_is_in_none_and_has_what_the_label_points_to() -> None:
    call = served(live=False)
    assert (call.arm, call.versions) == ("", "route/chat@1")
