from typing import Any

import msgspec

from legato.core.config import ContextPolicy, Retry, Strategy
from legato.core.money import NanoUSD
from legato.core.principal import BudgetLimit, Principal, Window
from legato.core.wire import RequestView
from legato.gateway.arms import serving
from legato.gateway.context import Call
from legato.gateway.directory import Directory, Route, RouteShadow
from legato.gateway.shorten import shorten
from legato.routing.strategies import ORDERS

NOTHING: Any = None
BUDGET = BudgetLimit("rollout:r1", NanoUSD(5), Window.DAY, "the shadow of chat")
CHAMPION = Route(
    alias="chat", name="chat", deployments=(), order=ORDERS[Strategy.ORDERED], baseline=NOTHING,
    retry=Retry(), deadline_s=1.0, cache_ttl_s=0.0, drop_unsupported=False,
    model_name="upstream", fingerprint="", version="route/chat@1",
)  # fmt: skip
CANDIDATE = msgspec.structs.replace(CHAMPION, version="route/chat@2", arm="r1/shadow")


class Everybody:
    """A shadow that gets a copy of every call."""

    def of(self, unit: str) -> Route:
        assert unit == "r"
        return msgspec.structs.replace(CHAMPION, shadow=RouteShadow(CANDIDATE, BUDGET))


def asked(versions: str = "") -> Call:
    call = Call("r", NOTHING, NOTHING, 0)
    call.principal = Principal("k", "k", "o", "t", "f")
    call.versions = versions
    call.route = serving(call, msgspec.structs.replace(CHAMPION, split=Everybody()))
    call.body, call.body_bytes = {"model": "chat"}, 17
    call.view = RequestView(model="chat")
    return call


def test_a_caller_is_served_by_the_label_and_its_call_is_copied() -> None:
    call = asked("prompt/hi@1")
    assert (call.arm, call.slices, call.versions) == ("", (), "prompt/hi@1, route/chat@1")
    assert call.copy is not None
    copied = Call("s", NOTHING, NOTHING, 0)
    assert call.copy.put(copied, call, Directory({})) is None
    assert (copied.route, copied.versions) == (CANDIDATE, "prompt/hi@1, route/chat@2")
    assert (copied.body, copied.body_bytes) == ({"model": "chat"}, 17)
    assert (call.copy.arm, call.copy.budget) == ("r1/shadow", BUDGET)


def test_a_copy_is_shortened_by_its_own_version_alone() -> None:
    turns = [{"role": "user", "content": f"{number} " * 40} for number in range(4)]
    call = asked()
    call.body = {"model": "chat", "messages": turns}
    call.body_bytes = len(msgspec.json.encode(call.body))
    whole = call.body, call.body_bytes
    shorten(call, ContextPolicy(max_tokens=30))
    assert len(call.body["messages"]) < 4
    assert call.copy is not None
    copied = Call("s", NOTHING, NOTHING, 0)
    copied.view = RequestView(model="chat")
    call.copy.put(copied, call, Directory({}))
    assert (copied.body, copied.body_bytes) == whole
