"""Deferred calls: whose answer it is where the very same call was made twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from legato.core.principal import Principal
from legato.core.wire import RequestView
from legato.gateway.context import Call
from legato.gateway.stages.defer import TAKEN, Defer, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable


class Surface:
    name = "messages"


class Queue:
    """Whose first answer another caller takes away."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.handed: list[str] = []

    def begin(self, caller: Principal, endpoint: str, body: dict[str, Any]) -> str:
        del caller
        assert "service_tier" not in body
        self.begun.append(endpoint)
        return f"batch_{len(self.begun)}"

    def outcome(self, org: str, batch_id: str) -> Outcome | None:
        del org
        return TAKEN if batch_id == "batch_1" else Outcome(200, {"of": batch_id})

    def handed_over(self, org: str, batch_id: str) -> None:
        del org
        self.handed.append(batch_id)


async def test_who_finds_its_answer_taken_asks_anew() -> None:
    queue = Queue()

    async def ask(work: Callable[[], Any]) -> Any:
        return work()

    surface: Any = Surface()
    unread: Any = None
    call = Call("1", surface, unread, 0)
    call.principal = Principal("k", "k", "acme", "team", "feature")
    call.body = {"model": "chat", "service_tier": "flex"}
    call.view = RequestView(model="chat")
    waiting = Defer(lambda: (queue, ask, lambda: None))(call)
    assert waiting is not None
    await waiting
    assert queue.begun == ["/v1/messages"] * 2
    assert queue.handed == ["batch_2"]
    assert call.reply is not None
    assert call.reply.body == b'{"of":"batch_2"}'
