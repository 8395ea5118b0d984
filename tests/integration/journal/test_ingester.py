from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from legato.journal.drain import IngestLimits
from legato.journal.ingester import Ingester, IngesterOptions
from legato.journal.layout import list_segments
from legato.journal.options import WriterOptions
from legato.journal.sink import SinkUnavailable
from legato.journal.status import journal_status
from legato.journal.writer import JournalWriter

if TYPE_CHECKING:
    from pathlib import Path

    from legato.journal.quarantine import JournalAlarm

    from .conftest import RecordingSink

SMALL = WriterOptions(segment_bytes=4096, settle_bytes_max=200)
FAST = IngesterOptions(poll_s=0.01, backoff_s=0.01, backoff_max_s=0.02)


@pytest.fixture
def alarms() -> list[JournalAlarm]:
    return []


@pytest.fixture
def ingester(journal: Path, sink: RecordingSink, alarms: list[JournalAlarm]) -> Ingester:
    return Ingester(journal, sink, alarms.append, FAST)


def record(number: int) -> bytes:
    return f"record {number:06d} ".encode() * 5


def eventually(is_true: object, timeout_s: float = 10) -> None:
    deadline = time.perf_counter() + timeout_s
    while not is_true():  # type: ignore[operator]
        assert time.perf_counter() < deadline
        time.sleep(0.005)


def test_a_living_writer_is_followed_and_its_left_segments_deleted(
    journal: Path, sink: RecordingSink, ingester: Ingester
) -> None:
    writer = JournalWriter(journal, "boot-1", SMALL)
    assert ingester.run_once().frames == 0
    for number in range(200):
        writer.append(record(number))
        if number % 7 == 0:
            ingester.run_once()
    ingester.run_once()
    assert sink.rows == [record(number) for number in range(200)]
    numbers = [place.number for place in list_segments(journal / "boot-1")]
    assert len(numbers) <= 2
    assert numbers[0] > 4
    assert len(sink.forgotten) == numbers[0] - 1
    assert sink.finished == []
    assert ingester.run_once().frames == 0


def test_a_dead_writer_is_finished_once_and_its_directory_removed(
    journal: Path, sink: RecordingSink, ingester: Ingester
) -> None:
    writer = JournalWriter(journal, "boot-1", SMALL)
    for number in range(100):
        writer.append(record(number))
    writer.close()
    progress = ingester.run_once()
    assert progress.frames == len(sink.rows) == 100
    assert sink.finished == progress.writers_finished == ["boot-1"]
    assert not (journal / "boot-1").exists()
    assert sink.committed == {}
    ingester.run_once()
    assert sink.finished == ["boot-1"]


def test_a_dead_writer_that_wrote_nothing_is_finished_too(
    journal: Path, sink: RecordingSink, ingester: Ingester
) -> None:
    JournalWriter(journal, "boot-1", SMALL).close()
    ingester.run_once()
    assert sink.finished == ["boot-1"]
    assert not (journal / "boot-1").exists()


def test_an_empty_directory_is_tidied_away_without_a_word(
    journal: Path, sink: RecordingSink, ingester: Ingester
) -> None:
    (journal / "boot-1").mkdir(parents=True)
    ingester.run_once()
    assert not (journal / "boot-1").exists()
    assert sink.finished == []


def test_while_the_ledger_is_away_nothing_is_lost_or_deleted(
    journal: Path, sink: RecordingSink, ingester: Ingester
) -> None:
    writer = JournalWriter(journal, "boot-1", SMALL)
    writer.append(record(0))
    ingester.run_once()
    sink.is_away = True
    for number in range(1, 100):
        writer.append(record(number))
        if number % 20 == 0:
            with pytest.raises(SinkUnavailable):
                ingester.run_once()
    writer.close()
    sink.is_away = False
    ingester.run_once()
    assert sink.rows == [record(number) for number in range(100)]
    assert sink.finished == ["boot-1"]


def test_a_commit_that_arrived_but_was_not_confirmed_is_not_repeated(
    journal: Path, sink: RecordingSink, ingester: Ingester
) -> None:
    writer = JournalWriter(journal, "boot-1", SMALL)
    writer.append(record(0))
    sink.fails_after_commit = True
    with pytest.raises(SinkUnavailable):
        ingester.run_once()
    writer.append(record(1))
    ingester.run_once()
    assert sink.rows == [record(0), record(1)]


def test_batches_are_bounded_and_a_pass_is_too(
    journal: Path, sink: RecordingSink, alarms: list[JournalAlarm]
) -> None:
    options = IngesterOptions(limits=IngestLimits(batch_frames=10, batches_per_pass=3))
    ingester = Ingester(journal, sink, alarms.append, options)
    writer = JournalWriter(journal, "boot-1")
    for number in range(95):
        writer.append(record(number))
    writer.close()
    assert ingester.run_once().has_more
    assert sink.batch_sizes == [10, 10, 10]
    while ingester.run_once().has_more:
        pass
    assert sink.rows == [record(number) for number in range(95)]
    assert sink.finished == ["boot-1"]


def test_a_bad_middle_is_quarantined_with_an_alarm_and_stepped_over(
    journal: Path, sink: RecordingSink, ingester: Ingester, alarms: list[JournalAlarm]
) -> None:
    writer = JournalWriter(journal, "boot-1")
    for number in range(10):
        writer.append(record(number))
    place = list_segments(journal / "boot-1")[0]
    frame_bytes = len(record(0)) + 12
    with place.path.open("r+b") as file:
        file.seek(16 + 4 * frame_bytes + 30)
        file.write(b"?")
    damaged = place.path.read_bytes()
    ingester.run_once()
    assert sink.rows == [record(number) for number in range(10) if number != 4]
    assert [(alarm.segment, alarm.offset, alarm.skipped_bytes) for alarm in alarms] == [
        ("boot-1/00000001", 16 + 4 * frame_bytes, frame_bytes)
    ]
    assert alarms[0].kept_at.read_bytes() == damaged
    writer.append(record(10))
    writer.close()
    ingester.run_once()
    assert len(alarms) == 1
    assert sink.rows[-1] == record(10)
    assert not (journal / "boot-1").exists()
    assert alarms[0].kept_at.exists()
    assert journal_status(journal, {}).quarantined == ("boot-1.00000001.seg",)


def test_the_torn_tail_of_the_dead_is_cut_off_without_an_alarm(
    journal: Path, sink: RecordingSink, ingester: Ingester, alarms: list[JournalAlarm]
) -> None:
    writer = JournalWriter(journal, "boot-1")
    for number in range(3):
        writer.append(record(number))
    place = list_segments(journal / "boot-1")[0]
    end = 16 + 3 * (len(record(0)) + 12)
    with place.path.open("r+b") as file:
        file.seek(end - 10)
        file.write(bytes(10))
    progress = ingester.run_once()
    assert progress.torn_bytes == 0
    assert sink.rows == [record(0), record(1)]
    writer.close()
    assert 0 < ingester.run_once().torn_bytes <= len(record(0)) + 2
    assert sink.rows == [record(0), record(1)]
    assert sink.finished == ["boot-1"]
    assert alarms == []


def test_a_torn_tail_in_a_segment_that_was_left_is_an_alarm(
    journal: Path, sink: RecordingSink, ingester: Ingester, alarms: list[JournalAlarm]
) -> None:
    writer = JournalWriter(journal, "boot-1", SMALL)
    for number in range(60):
        writer.append(record(number))
    per_segment = (4096 - 32) // (len(record(0)) + 12)
    place = list_segments(journal / "boot-1")[0]
    with place.path.open("r+b") as file:
        file.seek(16 + per_segment * (len(record(0)) + 12) - 1)
        file.write(b"?")
    ingester.run_once()
    assert sink.rows == [record(n) for n in range(60) if n != per_segment - 1]
    assert [alarm.segment for alarm in alarms] == ["boot-1/00000001"]


def test_segments_brought_back_by_hand_are_taken_from_their_beginning(
    journal: Path, sink: RecordingSink, ingester: Ingester, tmp_path: Path
) -> None:
    writer = JournalWriter(journal, "boot-1", SMALL)
    for number in range(50):
        writer.append(record(number))
    shutil.copytree(journal / "boot-1", tmp_path / "copy")
    writer.close()
    ingester.run_once()
    (tmp_path / "copy" / "lock").unlink()
    shutil.copytree(tmp_path / "copy", journal / "boot-1")
    ingester.run_once()
    assert sink.rows == [record(number) for number in range(50)] * 2
    assert sink.finished == ["boot-1", "boot-1"]
    assert not (journal / "boot-1").exists()


def test_killed_between_deleting_and_forgetting_it_forgets_later(
    journal: Path, sink: RecordingSink, ingester: Ingester
) -> None:
    writer = JournalWriter(journal, "boot-1", SMALL)
    sink.committed["boot-1/00000000"] = 4000
    sink.committed["elsewhere-1/00000001"] = 700
    writer.append(record(0))
    writer.close()
    ingester.run_once()
    assert sink.committed == {"elsewhere-1/00000001": 700}


def test_an_unreadable_writer_does_not_stop_the_others(
    journal: Path, sink: RecordingSink, ingester: Ingester
) -> None:
    first, second = (JournalWriter(journal, f"boot-{n}", SMALL) for n in (1, 2))
    first.append(record(1))
    second.append(record(2))
    place = list_segments(journal / "boot-1")[0]
    place.path.rename(tmp := place.path.with_suffix(".away"))
    place.path.mkdir()
    progress = ingester.run_once()
    assert list(progress.unreadable) == ["boot-1"]
    assert sink.rows == [record(2)]
    place.path.rmdir()
    tmp.rename(place.path)
    ingester.run_once()
    assert sink.rows == [record(2), record(1)]


def test_one_ingester_is_elected_and_another_takes_over(
    journal: Path, sink: RecordingSink, ingester: Ingester
) -> None:
    writer = JournalWriter(journal, "boot-1", SMALL)
    writer.append(record(0))
    other = Ingester(journal, sink, lambda _: None, FAST)
    assert ingester.run_once().is_elected
    assert not other.run_once().is_elected
    assert journal_status(journal, {}).is_ingester_running
    ingester.close()
    assert not journal_status(journal, {}).is_ingester_running
    assert other.elect()
    assert not ingester.is_elected
    assert sink.rows == [record(0)]


def test_the_lock_of_a_killed_ingester_is_free(journal: Path, ingester: Ingester) -> None:
    script = (
        "import sys, time; from pathlib import Path; from legato.journal.ingester import Ingester\n"
        "i = Ingester(Path(sys.argv[1]), None, print)\n"
        "print(i.elect(), flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", script, str(journal)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"True\n"
        assert not ingester.elect()
        other.kill()
    eventually(ingester.elect)


def test_the_loop_ingests_backs_off_and_stops(
    journal: Path, sink: RecordingSink, ingester: Ingester
) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=ingester.run, args=(stop,))
    thread.start()
    try:
        writer = JournalWriter(journal, "boot-1", SMALL)
        writer.append(record(0))
        eventually(lambda: len(sink.rows) == 1)
        sink.is_away = True
        writer.append(record(1))
        time.sleep(0.1)
        assert len(sink.rows) == 1
        sink.is_away = False
        eventually(lambda: len(sink.rows) == 2)
        writer.close()
        eventually(lambda: sink.finished == ["boot-1"])
    finally:
        stop.set()
        thread.join()


def test_writers_may_begin_while_the_ingester_tidies_up(
    journal: Path, sink: RecordingSink, ingester: Ingester
) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=ingester.run, args=(stop,))
    thread.start()
    sys.setswitchinterval(1e-5)
    try:
        for number in range(150):
            writer = JournalWriter(journal, f"boot-{number}", SMALL)
            writer.append(record(number))
            writer.close()
    finally:
        sys.setswitchinterval(5e-3)
        eventually(lambda: len(sink.finished) == 150)
        stop.set()
        thread.join()
    assert sorted(sink.rows) == [record(number) for number in range(150)]


def test_status_tells_each_writer_and_its_lag(
    journal: Path, sink: RecordingSink, ingester: Ingester
) -> None:
    assert journal_status(journal / "nowhere", {}).writers == ()
    writer = JournalWriter(journal, "boot-1", SMALL)
    for number in range(10):
        writer.append(record(number))
    ingester.run_once()
    for number in range(4):
        writer.append(record(number))
    dead = JournalWriter(journal, "boot-2", SMALL)
    dead.append(record(0))
    dead.close()
    alive, buried = journal_status(journal, sink.offsets()).writers
    assert (alive.writer, alive.is_alive, buried.is_alive) == ("boot-1", True, False)
    assert (alive.ingested_segment, alive.lag_frames) == ("boot-1/00000001", 4)
    assert alive.lag_bytes == 4 * len(record(0))
    assert alive.ingested_offset == sink.committed["boot-1/00000001"]
    assert alive.bytes_on_disk == 4096 * alive.segments
    assert (buried.lag_frames, buried.ingested_segment) == (1, None)
