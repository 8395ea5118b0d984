"""Deferred calls: whose answer it is where the very same call was made twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from legato.core.principal import Principal
from legato.core.wire import RequestView
from legato.gateway.context import Call
from legato.gateway.gathering import Ticket
from legato.gateway.stages.defer import APART, TAKEN, Defer, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Surface:
    name = "messages"


class Queue:
    """Whose first batch has no answer for this caller."""

    def __init__(self, first: Outcome) -> None:
        self.first = first
        self.begun: list[str] = []
        self.handed: list[str] = []

    def begin(
        self, caller: Principal, endpoint: str, bodies: Sequence[dict[str, Any]]
    ) -> list[Ticket]:
        del caller
        assert not any("service_tier" in body for body in bodies)
        self.begun.append(endpoint)
        return [Ticket(f"batch_{len(self.begun)}", str(number)) for number in range(len(bodies))]

    def outcome(self, org: str, ticket: Ticket) -> Outcome | None:
        del org
        return self.first if ticket.batch_id == "batch_1" else Outcome(200, {"of": ticket.batch_id})

    def handed_over(self, org: str, ticket: Ticket) -> None:
        del org
        self.handed.append(ticket.batch_id)


@pytest.mark.parametrize("first", [TAKEN, APART])
async def test_who_finds_no_answer_of_its_own_asks_anew(first: Outcome) -> None:
    queue = Queue(first)

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
