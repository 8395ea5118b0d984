"""Trace records go into the journal together, a moment after their requests."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from legato.api.openai.chat import ChatCompletions
from legato.core.clock import ManualClock
from legato.core.errors import NotAccountable
from legato.core.principal import Principal
from legato.core.records import decode_served
from legato.gateway.context import Call
from legato.gateway.stages.record import WRITTEN_AFTER_S, RecordStage
from legato.telemetry.metrics import Meters

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class Nobody:
    """A request without headers or body."""

    credential = None

    def header(self, name: bytes) -> bytes | None:
        del name

    async def body(self) -> bytes:
        return b""


def finished(request_id: str) -> Call:
    call = Call(request_id, ChatCompletions(ManualClock()), Nobody(), 1)
    call.principal = Principal(key_id="k", name="n", org="o", team="t", feature="f")
    call.http_status = 200
    return call


class Journal:
    """What was written, write by write; `full` refuses."""

    def __init__(self) -> None:
        self.writes: list[list[str]] = []
        self.full = False

    def append_many(self, payloads: Sequence[bytes]) -> None:
        if self.full:
            raise NotAccountable("the journal is full")
        self.writes.append([decode_served(payload).request_id for payload in payloads])


@pytest.fixture
def journal() -> Journal:
    return Journal()


async def test_what_comes_within_a_moment_is_written_at_once(
    journal: Journal, tmp_path: Path
) -> None:
    record = RecordStage(journal.append_many, Meters(tmp_path / "m"))
    for request_id in ("a", "b", "c"):
        record(finished(request_id))
    assert journal.writes == []
    await asyncio.sleep(3 * WRITTEN_AFTER_S)
    assert journal.writes == [["a", "b", "c"]]
    record(finished("d"))
    await asyncio.sleep(3 * WRITTEN_AFTER_S)
    assert journal.writes == [["a", "b", "c"], ["d"]]


async def test_no_more_than_so_many_wait(journal: Journal, tmp_path: Path) -> None:
    record = RecordStage(journal.append_many, Meters(tmp_path / "m"))
    for number in range(600):
        record(finished(str(number)))
    assert [len(write) for write in journal.writes] == [256, 256]


async def test_a_worker_that_ends_leaves_none_behind(journal: Journal, tmp_path: Path) -> None:
    record = RecordStage(journal.append_many, Meters(tmp_path / "m"))
    record(finished("a"))
    record.flush()
    record.flush()
    assert journal.writes == [["a"]]


async def test_a_full_journal_costs_the_traces_and_is_counted(
    journal: Journal, tmp_path: Path
) -> None:
    meters = Meters(tmp_path / "m")
    record = RecordStage(journal.append_many, meters)
    journal.full = True
    record(finished("a"))
    record(finished("b"))
    record.flush()
    assert meters.counts.traces_lost == {("journal_full",): 2}
