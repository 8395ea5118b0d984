"""A journal without room, and one with damage, under the real program."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from legato.core.records import Intent, Settled, decode_record
from legato.journal.frame import FRAME_OVERHEAD_BYTES
from legato.journal.reader import SegmentReader

from .audit import Audit
from .load import Ask, Load, Seen

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from legato.providers.simulated.child import SimulatedChild

    from .conftest import MakeInstance, Say
    from .instance import Instance

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]

RUNNING = 60
FLOOD_MAX = 20_000


@contextmanager
def locked(instance: Instance) -> Iterator[None]:
    """Keep the ledger out, so that the journal only grows."""
    database = sqlite3.connect(instance.database, isolation_level=None, timeout=30)
    database.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        database.execute("ROLLBACK")
        database.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    mount = shutil.which("mount")
    if mount is None:
        pytest.skip("there is no mount command")
    command = [mount, "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(place)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("mounting a tmpfs is not permitted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


async def test_a_journal_at_its_limit(
    provider: SimulatedChild, instance_of: MakeInstance, say: Say
) -> None:
    instance = instance_of(journal={"segment_mib": 1, "total_mib_max": 3})
    await fill_and_recover(instance, provider, say)


async def test_a_journal_on_a_full_disk(
    provider: SimulatedChild, instance_of: MakeInstance, say: Say, small_disk: Path
) -> None:
    instance = instance_of(journal={"segment_mib": 1})
    instance.data.mkdir()
    instance.journal.symlink_to(small_disk)
    await fill_and_recover(instance, provider, say)


async def fill_and_recover(instance: Instance, provider: SimulatedChild, say: Say) -> None:
    """Fill the journal while streams run; they end well, new calls are told; then space is back."""
    slow = {"itl_ms": 400, "output_tokens": 60, "reasoning_share": 0.0}
    provider.change(models={"small-1": {}, "large-1": slow})
    instance.start()
    running, flood = Load(instance, callers=RUNNING), Load(instance, callers=32)
    streams = [Ask(f"long {n}", stream=True, model="large") for n in range(RUNNING)]
    with locked(instance):
        open_streams = asyncio.create_task(running.run(streams))
        await asyncio.sleep(0.5)

        def is_full() -> bool:
            return any(seen.status == 503 for seen in flood.seen[-32:])

        await flood.run((Ask(f"flood {n}") for n in range(FLOOD_MAX)), until=is_full)
        assert not open_streams.done()
        refused = Load(instance, callers=16)
        await refused.run([Ask(f"refused {n}", stream=n % 2 == 0) for n in range(100)])
        await open_streams
    check_full(running.seen, flood.seen, refused.seen)
    assert await recovers(instance)
    after = Load(instance)
    await after.run([Ask(f"after {n}", stream=n % 2 == 0) for n in range(100)])
    assert all(seen.complete for seen in after.seen)
    instance.stop_drained()
    audit = Audit(instance, provider.book)
    audit.check_all([*running.seen, *flood.seen, *refused.seen, *after.seen])
    assert set(audit.sources()) == {"provider"}
    assert "Traceback" not in instance.log.read_text()
    say(f"full after {len(flood.seen)} calls, {RUNNING} streams settled")


def check_full(running: list[Seen], flood: list[Seen], refused: list[Seen]) -> None:
    assert all(seen.complete for seen in running)
    assert {seen.error_code for seen in flood if not seen.complete} == {"journal_full"}
    assert sum(seen.complete for seen in flood) > 500
    # a few may pass: each call that ends gives back what its outcome did not take
    told = [(seen.status, seen.error_code) for seen in refused if not seen.complete]
    assert set(told) == {(503, "journal_full")}
    assert len(told) > len(refused) // 2


async def recovers(instance: Instance) -> bool:
    """Wait until calls are taken again, one after the other: the ingester has to catch up."""
    in_a_row = 0
    for number in range(600):
        one = Load(instance, callers=1)
        await one.run([Ask(f"is there room {number}")])
        in_a_row = in_a_row + 1 if one.seen[0].complete else 0
        if in_a_row == 40:
            return True
        await asyncio.sleep(0.02)
    return False


async def test_damaged_segments_are_kept_and_cost_only_what_is_damaged(
    provider: SimulatedChild, instance_of: MakeInstance
) -> None:
    instance = instance_of(cache={"enabled": False})
    instance.start()
    load = Load(instance)
    with locked(instance):
        await load.run(Ask(f"kept {n}", stream=n % 2 == 0) for n in range(2_200))
        instance.close()
    segments = [place for place in sorted(instance.journal.glob("*/*.seg")) if has_frames(place)]
    assert len(segments) >= 2
    lost = damage(segments[0])
    tear(segments[-1])
    instance.start()
    instance.stop_drained()
    kept = sorted(entry.name for entry in (instance.journal / "quarantine").iterdir())
    assert kept == [f"{segments[0].parent.name}.{segments[0].name}"]
    assert instance.log.read_text().count("journal damaged") == 2
    audit = Audit(instance, provider.book)
    audit.check_books()
    audit.check_verified()
    attempts = audit.attempts()
    assert attempts[lost["settled"]]["usage_source"] == "unknown"
    assert attempts[lost["intent"]]["usage_source"] == "provider"
    unknown = [name for name, row in attempts.items() if row["usage_source"] == "unknown"]
    assert len(unknown) <= 2  # the torn frame may have been a settle


def has_frames(segment: Path) -> bool:
    with SegmentReader(segment) as reader:
        return reader.has_frames_at(0)


def damage(segment: Path) -> dict[str, str]:
    """Flip a bit of one intent and of one outcome, of different attempts; return their names.

    A good frame lies between them: damage without a gap is one place, and one alarm.
    """
    wanted: dict[str, type[Any]] = {"intent": Intent, "settled": Settled}
    lost: dict[str, str] = {}
    with SegmentReader(segment) as reader:
        frames = list(reader.frames(is_complete=True))
    bits = bytearray(segment.read_bytes())
    good_frames = 1
    for offset, payload in frames[len(frames) // 2 :]:
        record = decode_record(payload)
        good_frames += 1
        for what, kind in wanted.items():
            if what in lost or good_frames < 2 or not isinstance(record, kind):
                continue
            name = f"{record.facts.request_id}-{record.facts.attempt}"
            if name not in lost.values():
                lost[what] = name
                good_frames = 0
                bits[offset + FRAME_OVERHEAD_BYTES + len(payload) // 2] ^= 0x10
                break
        if len(lost) == len(wanted):
            break
    segment.write_bytes(bits)
    return lost


def tear(segment: Path) -> None:
    """Cut the last frame in half, as a power cut may."""
    with SegmentReader(segment) as reader:
        *_, (offset, payload) = reader.frames(is_complete=True)
    with segment.open("r+b") as file:
        file.seek(offset + FRAME_OVERHEAD_BYTES + len(payload) // 2)
        file.write(bytes(len(payload)))
