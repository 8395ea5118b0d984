from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import pytest

from legato.gateway.looked import Looked
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
