"""Deferred calls: whose answer it is where the very same call was made twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from legato.core.errors import StorageUnavailable
from legato.core.principal import Principal
from legato.core.wire import RequestView
from legato.gateway.context import Call
from legato.gateway.gathering import Ticket
from legato.gateway.stages.defer import APART, TAKEN, Defer, Outcome
from legato.governance.steps import StepsTaken

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
        self.waits: set[str] = set()
        self.away = False

    def begin(
        self, caller: Principal, endpoint: str, bodies: Sequence[dict[str, Any]]
    ) -> list[Ticket]:
        del caller
        assert not any("service_tier" in body for body in bodies)
        self.begun.append(endpoint)
        return [Ticket(f"batch_{len(self.begun)}", str(number)) for number in range(len(bodies))]

    def find(self, caller: Principal, endpoint: str, body: dict[str, Any]) -> Ticket | None:
        del caller, body
        if self.away:
            raise StorageUnavailable("The database is away.")
        return Ticket("batch_2", "0") if endpoint in self.waits else None

    def outcome(self, org: str, ticket: Ticket) -> Outcome | None:
        del org
        return self.first if ticket.batch_id == "batch_1" else Outcome(200, {"of": ticket.batch_id})

    def handed_over(self, org: str, ticket: Ticket) -> None:
        del org
        self.handed.append(ticket.batch_id)


async def deferred(queue: Queue, body: dict[str, Any], steps: StepsTaken | None = None) -> Call:
    """A call that has come through the stage."""

    async def ask(work: Callable[[], Any]) -> Any:
        return work()

    surface: Any = Surface()
    unread: Any = None
    call = Call("1", surface, unread, 0)
    call.principal = Principal("k", "k", "acme", "team", "feature")
    call.body = {"model": "chat"} | body
    call.view = RequestView(model="chat")
    call.budget_steps = steps
    waiting = Defer(lambda: (queue, ask, lambda: None))(call)
    assert waiting is not None
    await waiting
    return call


@pytest.mark.parametrize("first", [TAKEN, APART])
async def test_who_finds_no_answer_of_its_own_asks_anew(first: Outcome) -> None:
    queue = Queue(first)
    call = await deferred(queue, {"service_tier": "flex"})
    assert queue.begun == ["/v1/messages"] * 2
    assert queue.handed == ["batch_2"]
    assert call.reply is not None
    assert call.reply.body == b'{"of":"batch_2"}'


BELOW = StepsTaken(b"", "", "", queue=False, may_queue=True)
"""There is a step of `queue`, and it holds no more."""


async def test_what_waited_before_a_reset_is_handed_over() -> None:
    queue = Queue(TAKEN)
    queue.waits.add("/v1/messages")
    call = await deferred(queue, {}, BELOW)
    assert (queue.begun, queue.handed) == ([], ["batch_2"])
    assert call.reply is not None
    assert call.cost is None  # the line's own entry has it


@pytest.mark.parametrize("away", [False, True])
async def test_what_did_not_wait_goes_on_also_where_that_cannot_be_known(*, away: bool) -> None:
    queue = Queue(TAKEN)
    queue.away = away
    call = await deferred(queue, {}, BELOW)
    assert (queue.begun, queue.handed, call.reply) == ([], [], None)
