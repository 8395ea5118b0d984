from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest

from legato.gateway.looked import Looked
from legato.gateway.semantic.flights import NEAR_MAX, Flights
from legato.gateway.stages.semantic import SemanticStages
from semantic_asking import call_of

if TYPE_CHECKING:
    from legato.gateway.context import Call


async def test_followers_go_on_though_the_leader_could_not_be_recorded() -> None:
    stages = SemanticStages(cast("Any", None))
    call = call_of()
    flight = stages.flights.begin(b"key", b"", None, None)
    assert flight is not None
    call.semantic = Looked(b"key", "scope", flight=flight)

    def record(_call: Call) -> None:
        told = "the disk is full"
        raise OSError(told)

    waiting = asyncio.create_task(stages.flights.wait(flight, 60))
    with pytest.raises(OSError, match="full"):
        stages.after(record)(call)
    assert await waiting
    assert stages.flights.same(b"key") is None


def _vector(degrees: float) -> Any:
    turn = np.radians(degrees)
    return np.array([np.cos(turn), np.sin(turn)], np.float32)


def test_the_nearest_under_way_come_first_and_none_that_landed() -> None:
    flights = Flights()
    begun = {
        degrees: flights.begin(b"%d" % degrees, b"one", _vector(degrees), None)
        for degrees in (80, 10, 40, 70, 20, 60)
    }
    flights.begin(b"other", b"two", _vector(0), None)
    for degrees in (10, 60):
        landed = begun[degrees]
        assert landed is not None
        flights.end(landed)
    near = list(flights.near(b"one", _vector(0)))
    assert [int(flight.key) for flight, _ in near] == [20, 40, 70, 80]
    assert [one for _, one in near] == pytest.approx(np.cos(np.radians([20, 40, 70, 80])))
    assert not list(flights.near(b"three", _vector(0)))


def test_of_many_under_way_the_last_ones_are_compared_and_all_can_land() -> None:
    flights = Flights()
    begun = [flights.begin(b"%d" % n, b"one", _vector(n / 2), None) for n in range(2 * NEAR_MAX)]
    near = {int(flight.key) for flight, _ in flights.near(b"one", _vector(0))}
    assert near == set(range(NEAR_MAX, 2 * NEAR_MAX))
    for flight in begun:
        assert flight is not None
        flights.end(flight)
    assert not list(flights.near(b"one", _vector(0)))
