"""Look-ups are kept, asked once at a time, bounded, and fail as they are told to."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from legato.core.config_lookups import Lookup
from legato.core.errors import LookupFailed
from legato.gateway.lookups import KeptLookup
from legato.telemetry.metrics import Meters

if TYPE_CHECKING:
    from pathlib import Path


class System:
    """What is asked; `told` is by organisation and key."""

    def __init__(self, **told: Any) -> None:
        self.told = told
        self.asked: list[tuple[str, str]] = []
        self.goes_on = asyncio.Event()
        self.goes_on.set()

    async def __call__(self, key: str, org: str) -> Any:
        self.asked.append((org, key))
        await self.goes_on.wait()
        found = self.told.get(key)
        if isinstance(found, Exception):
            raise found
        return found


@pytest.fixture
def meters(tmp_path: Path) -> Meters:
    return Meters(tmp_path / "metrics")


async def test_answers_are_kept_for_each_organisation(meters: Meters) -> None:
    system = System(a="gold")
    one = KeptLookup(Lookup(name="t"), system, meters)
    assert [await one("acme", "a"), await one("acme", "a"), await one("other", "a")] == ["gold"] * 3
    assert system.asked == [("acme", "a"), ("other", "a")]
    assert meters.counts.lookups == {("t", "asked"): 2, ("t", "kept"): 1}


async def test_those_who_ask_at_once_ask_once(meters: Meters) -> None:
    system = System(a=7)
    system.goes_on.clear()
    one = KeptLookup(Lookup(name="t"), system, meters)
    waiting = [asyncio.ensure_future(one("o", "a")) for _ in range(5)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.sleep(0)
    system.goes_on.set()
    assert await asyncio.gather(*waiting[1:]) == [7] * 4
    assert len(system.asked) == 1


async def test_the_oldest_goes_where_the_bound_is_reached(meters: Meters) -> None:
    system = System(a=1, b=2, c=3)
    one = KeptLookup(Lookup(name="t", entries_max=2), system, meters)
    for key in "abac":
        await one("o", key)
    await one("o", "a")
    await one("o", "b")
    assert [key for _, key in system.asked] == ["a", "b", "c", "b"]


async def test_unknown_keys_are_told_otherwise_and_kept(meters: Meters) -> None:
    system = System()
    one = KeptLookup(Lookup(name="t", otherwise="none"), system, meters)
    assert [await one("o", "x"), await one("o", "x")] == ["none"] * 2
    assert len(system.asked) == 1


@pytest.mark.parametrize("wrong", [ValueError("secret"), 1.5, ["gold"]])
async def test_failures_refuse_and_are_not_kept(meters: Meters, wrong: Any) -> None:
    system = System(a=wrong)
    one = KeptLookup(Lookup(name="t"), system, meters)
    for _ in range(2):
        with pytest.raises(LookupFailed) as raised:
            await one("o", "a")
        assert "secret" not in raised.value.message
    assert len(system.asked) == 2


async def test_failures_tell_otherwise_where_that_is_asked(meters: Meters) -> None:
    setting = Lookup(name="t", otherwise=False, on_failure="otherwise", time_ms=1)
    system = System(a=True)
    system.goes_on.clear()
    assert await KeptLookup(setting, system, meters)("o", "a") is False
    assert meters.counts.lookups == {("t", "failed"): 1}
