from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from legato.core.errors import StorageUnavailable
from legato.core.watching import Watch

if TYPE_CHECKING:
    import pytest


async def test_a_failure_is_told_once_until_it_is_over(caplog: pytest.LogCaptureFixture) -> None:
    outcomes = [None, StorageUnavailable("away"), ValueError("a defect"), None, ValueError("again")]

    async def look() -> None:
        outcome = outcomes.pop(0)
        if outcome is not None:
            raise outcome

    watch = Watch("keys", look)
    failing = []
    with caplog.at_level(logging.WARNING):
        for _ in range(5):
            await watch.look()
            failing.append(watch.failing)
    assert failing == [False, True, True, False, True]
    assert [one.getMessage() for one in caplog.records] == ["keys can't be refreshed"] * 2
    assert [one.levelname for one in caplog.records] == ["WARNING", "ERROR"]


async def test_it_goes_on_after_a_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("legato.core.watching.POLL_S", 0)
    looked, seen = 0, asyncio.Event()

    async def look() -> None:
        nonlocal looked
        looked += 1
        if looked == 1:
            raise RuntimeError("a defect")
        seen.set()

    task = asyncio.create_task(Watch("keys", look).follow())
    await seen.wait()
    task.cancel()
    assert looked >= 2
