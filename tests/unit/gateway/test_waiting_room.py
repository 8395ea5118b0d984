"""Who gets a place when, by real loads of deployments on a board of two workers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from legato.core.config_load import Queue, RateLimits
from legato.core.errors import InvalidRequest, Overloaded
from legato.core.principal import Principal
from legato.gateway.context import Call
from legato.gateway.loads import LoadBoard, Loads
from legato.gateway.waiting_room import WaitingRoom
from legato.resilience.breaker import State
from legato.routing.load.concurrency import Priority
from legato.routing.load.queueing import FULL, room_left

if TYPE_CHECKING:
    from legato.gateway.loads import SharedLoad

PLACES = 2
CELL = 1


class Deployment:
    breaker = CELL

    def __init__(self, load: SharedLoad) -> None:
        self.load = load


class Source:
    def __init__(self, **headers: str) -> None:
        self._headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def header(self, name: bytes) -> bytes | None:
        value = self._headers.get(name.decode())
        return None if value is None else value.encode()


class House:
    """Workers with a room each, before one deployment."""

    def __init__(self, workers: int = 1, places: int = PLACES, **setting: Any) -> None:
        self.places = places
        self.board = LoadBoard(4, workers)
        self.state = State.CLOSED
        self.now_s = 6_000.0
        self.loads = [
            Loads(
                self.board, index, breaker_state=lambda _: self.state,
                monotonic=lambda: self.now_s, epoch_ns=lambda: 0, slow_start_s=0.0,
                heeds_headers=False,
            )
            for index in range(workers)
        ]  # fmt: skip
        self.deployments = [
            Deployment(one.of(CELL, RateLimits(concurrency_max=places))) for one in self.loads
        ]
        self.rooms = [
            WaitingRoom("chat", Queue(wait_max_s=600, **setting), one, one.depth(CELL + 1))
            for one in self.loads
        ]
        self.served: list[str] = []
        self.shed: list[Overloaded] = []

    def call(self, org: str, worker: int = 0, *, key: str = "k", **headers: str) -> Call:
        source: Any = Source(**headers)
        surface: Any = None
        call = Call(f"{org}-{key}", surface, source, 0)
        call.principal = Principal(key, key, org, "team", "feature")
        candidates: Any = (self.deployments[worker],)
        call.candidates = candidates
        call.priority = Priority.HIGH
        return call

    async def serve(self, call: Call, worker: int = 0) -> None:
        """Wait for a place, hold it for a turn of the loop, give it back."""
        load = self.deployments[worker].load
        try:
            await self.rooms[worker].wait(call)
        except Overloaded as error:
            self.shed.append(error)
            return
        assert load.closed_s(0, lambda: Priority.HIGH) == 0
        load.begin(0)
        self.served.append(call.caller.org)
        await asyncio.sleep(0)
        load.end(0)

    def fill(self, worker: int = 0) -> None:
        for _ in range(self.places):
            self.deployments[worker].load.begin(0)

    def free(self, worker: int = 0) -> None:
        for _ in range(self.places):
            self.deployments[worker].load.end(0)


async def started(*runs: Any) -> list[asyncio.Task[None]]:
    tasks = [asyncio.ensure_future(run) for run in runs]
    await asyncio.sleep(0)
    return tasks


async def test_who_floods_leaves_the_other_its_share() -> None:
    house = House(weights={"small": 2})
    house.fill()
    flood = await started(*(house.serve(house.call("flood")) for _ in range(60)))
    small = await started(*(house.serve(house.call("small")) for _ in range(20)))
    assert house.rooms[0].depth == 80
    house.free()
    await asyncio.gather(*flood, *small)
    assert house.served[:30].count("small") == 20
    assert house.served.count("flood") == 60
    assert house.rooms[0].depth == 0
    assert not house.loads[0].rooms
    assert not house.shed


async def test_where_the_queue_is_full_the_flood_is_shed() -> None:
    house = House(length_max=4)
    house.fill()
    flood = await started(*(house.serve(house.call("flood")) for _ in range(6)))
    small = await started(*(house.serve(house.call("small")) for _ in range(2)))
    await asyncio.sleep(0)
    assert [str(one).split(":")[1].split(",")[0].strip() for one in house.shed] == [
        "as many calls as may wait for a place. Try again later.",
        "as many calls as may wait for a place. Try again later.",
        "the queue is full",
        "the queue is full",
    ]
    assert all(one.retry_after_s and one.retry_after_s > 0 for one in house.shed)
    house.free()
    await asyncio.gather(*flood, *small)
    assert sorted(house.served) == ["flood", "flood", "small", "small"]


async def test_who_leaves_is_out_at_once_even_with_a_place() -> None:
    house = House()
    house.fill()
    leaving, staying = await started(
        house.serve(house.call("leaves")), house.serve(house.call("stays"))
    )
    leaving.cancel()
    await asyncio.wait([leaving])
    assert house.rooms[0].depth == 1
    (placed,) = await started(house.serve(house.call("placed")))
    house.free()  # both have a place now, and one of them is cancelled before it runs
    placed.cancel()
    await asyncio.wait([placed, staying])
    assert house.served == ["stays"]
    load = house.deployments[0].load
    assert load.busy(1, by_latency=False) == 1  # nothing is under way
    assert not load.is_others_turn(fresh=True)


async def test_nobody_waits_longer_than_its_caller_would() -> None:
    house = House()
    house.fill()
    await house.serve(house.call("hurried", x_legato_queue_max_ms="0"))
    assert [one.http_status for one in house.shed] == [429]
    with pytest.raises(InvalidRequest, match="milliseconds"):
        await house.rooms[0].wait(house.call("odd", x_legato_queue_max_ms="soon"))
    assert house.rooms[0].depth == 0


async def test_a_worker_leaves_places_to_another_one_in_which_calls_wait() -> None:
    house = House(workers=2)
    house.fill(0)
    flood = await started(*(house.serve(house.call("flood")) for _ in range(4)))
    (other,) = await started(house.serve(house.call("other", 1), 1))
    house.deployments[0].load.end(0)  # it has one of two still: that is its part
    assert house.served == []
    house.now_s += 1.0
    house.rooms[1].look()
    await asyncio.wait([other])
    assert house.served == ["other"]
    house.deployments[0].load.end(0)
    await asyncio.gather(*flood)
    assert house.served == ["other", *["flood"] * 4]


async def test_nobody_waits_for_what_is_broken() -> None:
    house = House()
    house.fill()
    (waiting,) = await started(house.serve(house.call("a")))
    house.state = State.OPEN
    house.rooms[0].look()
    house.free()
    await waiting
    assert house.served == ["a"]


async def test_the_bound_holds_over_all_workers_and_each_has_its_part_of_the_room() -> None:
    house = House(workers=2, length_max=8)
    house.fill()
    flood = await started(*(house.serve(house.call("flood")) for _ in range(9)))
    assert [room.depth for room in house.rooms] == [8, 0]  # all of it, while nobody else waits
    assert len(house.shed) == 1
    small = await started(*(house.serve(house.call("small", 1), 1) for _ in range(3)))
    assert [room.depth for room in house.rooms] == [8, 3]
    house.rooms[0].look()
    await asyncio.sleep(0)
    assert [room.depth for room in house.rooms] == [5, 3]
    assert sum("the queue is full" in str(one) for one in house.shed) == 3
    calls = [house.call("more", 1) for _ in range(4)]
    more = await started(*(house.serve(one, 1) for one in calls))
    house.rooms[0].look()
    await asyncio.sleep(0)
    assert [room.depth for room in house.rooms] == [4, 4]  # neither has more than its part
    refused = [stay for one in calls for stay in one.queued if stay.outcome == FULL]
    assert refused
    assert all(room_left(house.rooms[1].terms, stay) <= 0 for stay in refused)
    house.free()
    for room in house.rooms:
        room.look()
    await asyncio.wait_for(asyncio.gather(*flood, *small, *more), 5)
    assert len(house.served) == 8
    assert [room.depth for room in house.rooms] == [0, 0]


async def test_weights_hold_over_workers_however_the_connections_lie() -> None:
    """All calls of one organisation came to one worker, most of the other's to the other."""
    house = House(workers=2, places=8, weights={"small": 3})
    house.fill()
    small = await started(*(house.serve(house.call("small")) for _ in range(60)))
    beside = await started(*(house.serve(house.call("flood")) for _ in range(6)))
    flood = await started(*(house.serve(house.call("flood", 1), 1) for _ in range(60)))
    house.now_s += 1.0
    house.free()
    for _ in range(200):
        house.now_s += 0.05
        for room in house.rooms:
            room.look()
        await asyncio.sleep(0)
    await asyncio.wait_for(asyncio.gather(*small, *beside, *flood), 5)
    assert 26 <= house.served[:40].count("small") <= 34
    assert [room.depth for room in house.rooms] == [0, 0]
    assert not any(one.load.is_others_turn(fresh=True) for one in house.deployments)
    assert house.loads[0].depth(CELL + 1).part("flood") == 1.0, "nothing of it is left in the other"
