from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from legato.journal.errors import JournalFull
from legato.journal.ingester import Ingester
from legato.journal.options import WriterOptions
from legato.journal.writer import JournalWriter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.chaos

OPTIONS = WriterOptions(segment_bytes=64 << 10, settle_bytes_max=2048, refusal_s=0.0)


class Rows:
    def __init__(self) -> None:
        self.rows: list[bytes] = []

    def offsets(self) -> dict[str, int]:
        return {}

    def commit(self, segment: str, offset: int, payloads: list[bytes]) -> None:
        self.rows += payloads

    def writer_finished(self, writer: str) -> None:
        """There are no orphans to close here."""

    def forget_segment(self, segment: str) -> None:
        """Offsets live in the ingester only here."""


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    mount = shutil.which("mount")
    if mount is None:
        pytest.skip("there is no mount command")
    command = [mount, "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("mounting a tmpfs is not permitted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_refuses_new_work_and_settles_what_runs(tiny_disk: Path) -> None:
    journal = tiny_disk / "journal"
    writer = JournalWriter(journal, "boot-1", OPTIONS)
    sent: list[bytes] = []
    for cycle in range(3):
        accepted = fill(writer, cycle, sent)
        assert accepted > 100
        with pytest.raises(OSError, match="No space left"):
            (tiny_disk / "ballast").write_bytes(bytes(2 << 20))
        while writer.open_intents:
            sent.append(f"settled {cycle} {writer.open_intents} ".encode() + b"s" * 2000)
            writer.append_settled(sent[-1])
        (tiny_disk / "ballast").unlink()
        ingest(journal, sent)
    assert writer.refusals >= 3
    writer.close()


def fill(writer: JournalWriter, cycle: int, sent: list[bytes]) -> int:
    for count in range(100_000):
        payload = f"intent {cycle} {count}".encode()
        try:
            writer.append_intent(payload)
        except JournalFull:
            return count
        sent.append(payload)
    raise AssertionError


def ingest(journal: Path, sent: list[bytes]) -> None:
    """Ingest what is left, by a ledger that knows nothing: it may repeat, never miss."""
    sink = Rows()
    ingester = Ingester(journal, sink, pytest.fail)
    while ingester.run_once().has_more:
        pass
    ingester.close()
    assert sink.rows == [*dict.fromkeys(sink.rows)]
    assert sink.rows == sent[-len(sink.rows) :]
    assert len(sink.rows) > 100
