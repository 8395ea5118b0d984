"""What one journal record costs, in µs: pwrite against mmap, and the journal's own appends.

python benchmarks/journal.py [directory]
"""

from __future__ import annotations

import asyncio
import mmap
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from legato.journal.disk import Disk
from legato.journal.frame import encode_frame
from legato.journal.ingester import Ingester, IngesterOptions
from legato.journal.layout import segment_place
from legato.journal.options import WriterOptions
from legato.journal.segment import OpenSegment
from legato.journal.writer import JournalWriter

if TYPE_CHECKING:
    from collections.abc import Callable

PAYLOAD = os.urandom(300)
COUNT = 40_000
ROUNDS = 5
SEGMENT_BYTES = 16 << 20


class NowhereSink:
    def __init__(self) -> None:
        self.frames = 0

    def offsets(self) -> dict[str, int]:
        return {}

    def commit(self, segment: str, offset: int, payloads: list[bytes]) -> None:  # noqa: ARG002 - LedgerSink's shape
        self.frames += len(payloads)

    def writer_finished(self, writer: str) -> None:
        pass

    def forget_segment(self, segment: str) -> None:
        pass


def segment(directory: Path, number: int) -> OpenSegment:
    place = segment_place(directory, number)
    return OpenSegment.create(place, SEGMENT_BYTES, Disk(), is_durable=False)


def bare_pwrite(directory: Path) -> float:
    opened = segment(directory, 1)
    position, started = 16, time.perf_counter_ns()
    for _ in range(COUNT):
        frame = encode_frame(PAYLOAD, opened.marker, position)
        position += os.pwrite(opened.descriptor, frame, position)
    return per_record_us(started)


def bare_mmap(directory: Path) -> float:
    opened = segment(directory, 1)
    with mmap.mmap(opened.descriptor, SEGMENT_BYTES) as memory:
        position, started = 16, time.perf_counter_ns()
        for _ in range(COUNT):
            frame = encode_frame(PAYLOAD, opened.marker, position)
            memory[position : position + len(frame)] = frame
            position += len(frame)
        return per_record_us(started)


def encoding(_: Path) -> float:
    started = time.perf_counter_ns()
    for position in range(COUNT):
        encode_frame(PAYLOAD, 77, position)
    return per_record_us(started)


def append(directory: Path) -> float:
    writer = JournalWriter(directory, "bench-1")
    started = time.perf_counter_ns()
    for _ in range(COUNT):
        writer.append(PAYLOAD)
    return per_record_us(started)


def intent_and_settle(directory: Path) -> float:
    writer = JournalWriter(directory, "bench-1")
    started = time.perf_counter_ns()
    for _ in range(COUNT // 2):
        writer.append_intent(PAYLOAD)
        writer.append_settled(PAYLOAD)
    return per_record_us(started)


def append_many(directory: Path) -> float:
    writer = JournalWriter(directory, "bench-1")
    group = [PAYLOAD] * 20
    started = time.perf_counter_ns()
    for _ in range(COUNT // 20):
        writer.append_many(group)
    return per_record_us(started)


def allocation(directory: Path) -> float:
    started = time.perf_counter_ns()
    for number in range(10):
        segment(directory, number).close()
    return (time.perf_counter_ns() - started) / 10 / 1000


def ingestion(directory: Path) -> float:
    writer = JournalWriter(directory, "bench-1")
    for _ in range(COUNT):
        writer.append(PAYLOAD)
    sink = NowhereSink()
    ingester = Ingester(directory, sink, print)
    started = time.perf_counter_ns()
    while ingester.run_once().has_more:
        pass
    assert sink.frames == COUNT  # noqa: S101 - a benchmark of nothing would look fast
    return per_record_us(started)


def idle_poll(directory: Path) -> float:
    writer = JournalWriter(directory, "bench-1")
    writer.append(PAYLOAD)
    ingester = Ingester(directory, NowhereSink(), print, IngesterOptions())
    ingester.run_once()
    started = time.perf_counter_ns()
    for _ in range(2000):
        ingester.run_once()
    return (time.perf_counter_ns() - started) / 2000 / 1000


def group_commit(directory: Path) -> float:
    """64 callers at once, each with its own intent, under durability "power"."""
    writer = JournalWriter(directory, "bench-1", WriterOptions(durability="power"))

    async def caller() -> None:
        for _ in range(5):
            writer.append_intent(PAYLOAD)
            await writer.commit()

    async def callers() -> None:
        await asyncio.gather(*(caller() for _ in range(64)))

    started = time.perf_counter_ns()
    asyncio.run(callers())
    elapsed_us = (time.perf_counter_ns() - started) / 320 / 1000
    writer.close()
    return elapsed_us


def per_record_us(started_ns: int) -> float:
    return (time.perf_counter_ns() - started_ns) / COUNT / 1000


def measure(case: Callable[[Path], float], parent: Path) -> None:
    times = []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory(dir=parent) as directory:
            times.append(case(Path(directory)))
    name = case.__name__.replace("_", " ")
    print(f"{name:20} {statistics.median(times):9.2f} µs   best {min(times):9.2f}")


def main() -> None:
    parent = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.gettempdir())
    cases = (encoding, bare_pwrite, bare_mmap, append, intent_and_settle, append_many)
    for case in (*cases, allocation, ingestion, idle_poll, group_commit):
        measure(case, parent)


if __name__ == "__main__":
    main()
