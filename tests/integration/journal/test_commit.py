from __future__ import annotations

import asyncio
import errno
import os
import threading
from pathlib import Path

import pytest

from legato.journal.disk import Disk
from legato.journal.errors import JournalFull, JournalPoisoned
from legato.journal.layout import list_segments
from legato.journal.options import WriterOptions
from legato.journal.reader import SegmentReader
from legato.journal.writer import JournalWriter

POWER = WriterOptions(segment_bytes=8192, settle_bytes_max=200, durability="power")


class Platter:
    """fsync that can be held back and can fail, and remembers which file it was asked for."""

    def __init__(self) -> None:
        self.synced: list[str] = []
        self.failing: set[str] = set()
        self.threads: set[int] = set()
        self.gate = threading.Event()
        self.gate.set()

    def sync(self, descriptor: int) -> None:
        name = Path(f"/proc/self/fd/{descriptor}").readlink().name
        # Only the first segment: allocating the next must not hang the test's loop.
        assert name != "00000001.seg" or self.gate.wait(10)
        self.synced.append(name)
        self.threads.add(threading.get_ident())
        if name in self.failing:
            raise OSError(errno.EIO, "Input/output error")
        os.fdatasync(descriptor)


@pytest.fixture
def platter() -> Platter:
    return Platter()


@pytest.fixture
def writer(journal: Path, platter: Platter) -> JournalWriter:
    writer = JournalWriter(journal, "boot-1", POWER, disk=Disk(sync=platter.sync))
    platter.synced.clear()
    platter.threads.clear()
    return writer


async def test_commit_waits_for_the_disk(writer: JournalWriter, platter: Platter) -> None:
    platter.gate.clear()
    writer.append_intent(b"intent")
    waiting = asyncio.create_task(writer.commit())
    await asyncio.sleep(0.05)
    assert not waiting.done()
    platter.gate.set()
    await waiting
    await writer.commit()
    assert platter.synced == ["00000001.seg"]


async def test_many_waiters_share_an_fsync(writer: JournalWriter, platter: Platter) -> None:
    async def one() -> None:
        writer.append(b"record")
        await writer.commit()

    platter.gate.clear()
    tasks = [asyncio.create_task(one()) for _ in range(50)]
    await asyncio.sleep(0.05)
    platter.gate.set()
    await asyncio.gather(*tasks)
    assert len(platter.synced) <= 2


async def test_a_caller_that_leaves_does_not_disturb_the_rest(
    writer: JournalWriter, platter: Platter
) -> None:
    platter.gate.clear()
    writer.append(b"record")
    leaving = asyncio.create_task(writer.commit())
    staying = asyncio.create_task(writer.commit())
    await asyncio.sleep(0.02)
    leaving.cancel()
    await asyncio.sleep(0.02)
    assert leaving.cancelled()
    platter.gate.set()
    await staying


async def test_frames_written_during_an_fsync_are_not_taken_for_durable(
    writer: JournalWriter, platter: Platter
) -> None:
    platter.gate.clear()
    writer.append(b"first")
    first = asyncio.create_task(writer.commit())
    await asyncio.sleep(0.02)
    writer.append(b"x" * 7000)
    writer.append(b"y" * 7000)
    second = asyncio.create_task(writer.commit())
    await asyncio.sleep(0.02)
    platter.synced.clear()
    platter.gate.set()
    await asyncio.gather(first, second)
    # Both files once more: the one that was left in the meantime, and the new one.
    assert platter.synced[-2:] == ["00000001.seg", "00000002.seg"]


async def test_a_failed_fsync_gives_the_segment_up_for_good(
    writer: JournalWriter, platter: Platter, journal: Path
) -> None:
    writer.append_intent(b"durable")
    await writer.commit()
    platter.failing.add("00000001.seg")
    platter.gate.clear()
    writer.append_intent(b"early")
    early = asyncio.create_task(writer.commit())
    await asyncio.sleep(0.02)
    writer.append_intent(b"during")
    during = asyncio.create_task(writer.commit())
    await asyncio.sleep(0.02)
    platter.gate.set()
    results = await asyncio.gather(early, during, return_exceptions=True)
    assert [type(result) for result in results] == [JournalPoisoned, JournalPoisoned]
    assert platter.synced.count("00000001.seg") == 2
    writer.append_intent(b"after")
    await writer.commit()
    assert platter.synced.count("00000001.seg") == 2
    for _ in range(4):
        writer.append_settled(b"settled")
    await writer.commit()
    writer.close()
    with SegmentReader(list_segments(journal / "boot-1")[1].path) as reader:
        frames = [payload for _, payload in reader.frames(is_complete=True)]
    assert frames == [b"after", *[b"settled"] * 4]


async def test_poisoned_with_no_room_left_settles_but_takes_no_intent(
    journal: Path, platter: Platter
) -> None:
    options = WriterOptions(
        segment_bytes=8192, settle_bytes_max=200, durability="power", journal_bytes_max=8192
    )
    writer = JournalWriter(journal, "boot-1", options, disk=Disk(sync=platter.sync))
    platter.failing.add("00000001.seg")
    platter.synced.clear()
    writer.append_intent(b"intent")
    with pytest.raises(JournalPoisoned):
        await writer.commit()
    with pytest.raises(JournalFull):
        writer.append_intent(b"refused")
    writer.append_settled(b"settled")
    with pytest.raises(JournalPoisoned):
        await writer.commit()
    assert platter.synced == ["00000001.seg"]
    writer.close()


async def test_process_durability_never_asks_the_disk(journal: Path, platter: Platter) -> None:
    options = WriterOptions(segment_bytes=8192, settle_bytes_max=200)
    writer = JournalWriter(journal, "boot-1", options, disk=Disk(sync=platter.sync))
    writer.append(b"record")
    await writer.commit()
    writer.close()
    assert platter.synced == []


async def test_close_syncs_what_nobody_committed(journal: Path, platter: Platter) -> None:
    # No look ahead: a spare that its thread allocates late is synced, too, at any time before.
    disk = Disk(sync=platter.sync)
    writer = JournalWriter(journal, "boot-1", POWER, on_half_used=lambda: None, disk=disk)
    writer.append(b"x" * 7000)
    writer.append(b"y" * 7000)
    platter.synced.clear()
    writer.close()
    assert platter.synced == ["00000001.seg", "00000002.seg"]


async def test_the_loop_never_waits_for_an_fsync(writer: JournalWriter, platter: Platter) -> None:
    for _ in range(20):
        writer.append(b"x" * 2500)
        await writer.commit()
    assert len(set(platter.synced)) > 3
    assert threading.get_ident() not in platter.threads
