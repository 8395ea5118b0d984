from __future__ import annotations

import errno
import os
import subprocess
import threading
from typing import TYPE_CHECKING

import pytest

from legato.journal.disk import Disk, allocate
from legato.journal.errors import JournalClosed, JournalFull, JournalInUse, JournalPoisoned
from legato.journal.layout import list_segments
from legato.journal.lock import FileLock
from legato.journal.options import WriterOptions
from legato.journal.reader import SegmentReader
from legato.journal.writer import JournalWriter

if TYPE_CHECKING:
    from pathlib import Path

SMALL = WriterOptions(segment_bytes=4096, settle_bytes_max=200)


def records(writer_directory: Path) -> list[bytes]:
    found = []
    for place in list_segments(writer_directory):
        with SegmentReader(place.path) as reader:
            found += [payload for _, payload in reader.frames(is_complete=True)]
    return found


def fill(writer: JournalWriter) -> int:
    """Append intents until one is refused; return how many went in."""
    for count in range(10_000):
        try:
            writer.append_intent(b"intent" * 10)
        except JournalFull:
            return count
    raise AssertionError


def test_records_come_back_in_order_across_segments(journal: Path) -> None:
    sent = [f"record {number}".encode() * (number % 9 + 1) for number in range(500)]
    writer = JournalWriter(journal, "boot-1", SMALL)
    for payload in sent[:300]:
        writer.append(payload)
    writer.append_many(sent[300:])
    writer.append_many([])
    assert records(journal / "boot-1") == sent
    assert len(list_segments(journal / "boot-1")) > 3
    writer.close()
    assert records(journal / "boot-1") == sent


@pytest.mark.parametrize("payload", [b"", b"x" * ((1 << 20) + 1)])
def test_a_record_of_no_or_too_many_bytes_is_refused(journal: Path, payload: bytes) -> None:
    writer = JournalWriter(journal, "boot-1")
    for append in (writer.append, writer.append_intent, writer.append_settled):
        with pytest.raises(ValueError, match="1 to 1048576 bytes"):
            append(payload)
    with pytest.raises(ValueError, match="1 to 1048576 bytes"):
        writer.append_many([b"sound", payload])
    assert writer.open_intents == 0
    assert records(journal / "boot-1") == []


def test_a_record_larger_than_a_segment_is_refused(journal: Path) -> None:
    writer = JournalWriter(journal, "boot-1", SMALL)
    with pytest.raises(ValueError, match="doesn't fit"):
        writer.append(b"x" * 5000)


def test_every_accepted_intent_finds_room_to_settle(journal: Path) -> None:
    options = WriterOptions(segment_bytes=4096, settle_bytes_max=200, journal_bytes_max=4 * 4096)
    writer = JournalWriter(journal, "boot-1", options)
    accepted = fill(writer)
    assert accepted > 10
    with pytest.raises(JournalFull):
        writer.append(b"progress" * 50)
    for _ in range(accepted):
        writer.append_settled(b"s" * 200)
    assert writer.open_intents == 0
    assert len(records(journal / "boot-1")) == 2 * accepted
    assert len(list_segments(journal / "boot-1")) <= 4


def test_settles_and_intents_mixed_never_lose_the_promise(journal: Path) -> None:
    options = WriterOptions(segment_bytes=4096, settle_bytes_max=300, journal_bytes_max=3 * 4096)
    writer = JournalWriter(journal, "boot-1", options)
    for size in (1, 40, 150, 299, 7):
        fill(writer)
        for _ in range(min(3, writer.open_intents)):
            writer.append_settled(b"s" * size)
    while writer.open_intents:
        writer.append_settled(b"s" * 300)


def test_room_freed_by_the_ingester_is_used_again(journal: Path) -> None:
    options = WriterOptions(
        segment_bytes=4096, settle_bytes_max=200, journal_bytes_max=2 * 4096, refusal_s=0.0
    )
    writer = JournalWriter(journal, "boot-1", options)
    for _ in range(fill(writer)):
        writer.append_settled(b"s" * 200)
    with pytest.raises(JournalFull):
        writer.append_many([b"x" * 3000] * 2)
    assert writer.refusals > 0
    list_segments(journal / "boot-1")[0].path.unlink()
    writer.append_intent(b"again")


def test_a_settle_without_its_intent_or_too_large_takes_unreserved_room(journal: Path) -> None:
    writer = JournalWriter(journal, "boot-1", SMALL)
    writer.append_settled(b"late")
    assert writer.open_intents == 0
    writer.append_intent(b"intent")
    writer.append_settled(b"s" * 2000)
    assert writer.open_intents == 0
    assert records(journal / "boot-1") == [b"late", b"intent", b"s" * 2000]


def test_a_disk_without_room_refuses_before_the_intent_is_written(journal: Path) -> None:
    is_full = threading.Event()

    def allocate_or_not(descriptor: int, size_bytes: int) -> None:
        if is_full.is_set():
            raise OSError(errno.ENOSPC, "No space left on device")
        allocate(descriptor, size_bytes)

    writer = JournalWriter(journal, "boot-1", SMALL, disk=Disk(allocate=allocate_or_not))
    is_full.set()
    accepted = fill(writer)
    assert len(records(journal / "boot-1")) == accepted
    assert [place.number for place in list_segments(journal / "boot-1")] == [1]
    for _ in range(accepted):
        writer.append_settled(b"s" * 200)


def test_a_full_disk_at_the_start_is_said_and_leaves_no_lock(journal: Path) -> None:
    options = WriterOptions(segment_bytes=4096, settle_bytes_max=200, journal_bytes_max=100)
    with pytest.raises(JournalFull):
        JournalWriter(journal, "boot-1", options)
    assert FileLock.try_lock(journal / "boot-1" / "lock", create=False) is not None


def test_the_next_segment_is_asked_for_at_half(journal: Path) -> None:
    asked = []
    writer = JournalWriter(journal, "boot-1", SMALL, on_half_used=lambda: asked.append(1))
    writer.append(b"x" * 1500)
    assert asked == []
    writer.append(b"x" * 1000)
    writer.append(b"x" * 100)
    assert asked == [1]
    thread = threading.Thread(target=writer.prepare)
    thread.start()
    thread.join()
    assert len(list_segments(journal / "boot-1")) == 2
    writer.prepare()
    assert len(list_segments(journal / "boot-1")) == 2


def test_a_short_write_moves_the_record_to_the_next_segment(journal: Path) -> None:
    calls = []

    def write(descriptor: int, frame: bytes, position: int) -> int:
        calls.append(position)
        if len(calls) == 3:
            return os.pwrite(descriptor, frame[:7], position)
        return os.pwrite(descriptor, frame, position)

    writer = JournalWriter(journal, "boot-1", SMALL, disk=Disk(write=write))
    for number in range(5):
        writer.append(f"record {number}".encode())
    assert records(journal / "boot-1") == [f"record {number}".encode() for number in range(5)]


def test_a_disk_that_refuses_twice_is_said(journal: Path) -> None:
    def write(descriptor: int, frame: bytes, position: int) -> int:
        raise OSError(errno.EIO, "Input/output error")

    writer = JournalWriter(journal, "boot-1", SMALL, disk=Disk(write=write))
    with pytest.raises(JournalPoisoned):
        writer.append_intent(b"intent")
    assert writer.open_intents == 0


def test_a_writer_id_is_used_once(journal: Path) -> None:
    writer = JournalWriter(journal, "boot-1")
    with pytest.raises(JournalInUse):
        JournalWriter(journal, "boot-1")
    writer.close()
    with pytest.raises(JournalInUse):
        JournalWriter(journal, "boot-1")


@pytest.mark.parametrize("name", ["", "..", "a/b", "quarantine", ".hidden"])
def test_a_writer_id_is_a_plain_word(journal: Path, name: str) -> None:
    with pytest.raises(ValueError, match="writer id"):
        JournalWriter(journal, name)


def test_close_frees_the_lock_and_drops_unused_segments(journal: Path) -> None:
    writer = JournalWriter(journal, "boot-1", SMALL)
    writer.append(b"kept")
    writer.prepare()
    assert FileLock.try_lock(journal / "boot-1" / "lock", create=False) is None
    writer.close()
    writer.close()
    lock = FileLock.try_lock(journal / "boot-1" / "lock", create=False)
    assert lock is not None
    assert len(list_segments(journal / "boot-1")) == 1
    for append in (writer.append, writer.append_intent, writer.append_settled):
        with pytest.raises(JournalClosed):
            append(b"late")


def test_a_forked_child_can_neither_write_nor_keep_the_lock(journal: Path) -> None:
    writer = JournalWriter(journal, "boot-1", SMALL)
    writer.append(b"parent")
    release, gate = os.pipe()
    answer, says = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            writer.append(b"child")
        except JournalClosed:
            os.write(says, b"refused")
        else:
            os.write(says, b"written")
        os.close(gate)
        os.read(release, 1)  # outlive the parent's lock
        os._exit(0)
    assert os.read(answer, 10) == b"refused"
    writer.append(b"parent again")
    writer.close()
    lock = FileLock.try_lock(journal / "boot-1" / "lock", create=False)
    os.close(gate)
    os.waitpid(child, 0)
    for descriptor in (release, answer, says):
        os.close(descriptor)
    assert lock is not None
    assert records(journal / "boot-1") == [b"parent", b"parent again"]


def test_a_started_program_does_not_inherit_the_lock(journal: Path) -> None:
    writer = JournalWriter(journal, "boot-1", SMALL)
    with subprocess.Popen(["sleep", "5"], close_fds=False) as program:
        writer.close()
        assert FileLock.try_lock(journal / "boot-1" / "lock", create=False) is not None
        program.kill()
