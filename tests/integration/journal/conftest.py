from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from legato.journal.sink import SinkUnavailable

if TYPE_CHECKING:
    from pathlib import Path


class RecordingSink:
    """A ledger in memory that counts what it was told, and can be away."""

    def __init__(self) -> None:
        self.rows: list[bytes] = []
        self.committed: dict[str, int] = {}
        self.finished: list[str] = []
        self.forgotten: list[str] = []
        self.batch_sizes: list[int] = []
        self.is_away = False
        self.fails_after_commit = False

    def offsets(self) -> dict[str, int]:
        self._answer()
        return dict(self.committed)

    def commit(self, segment: str, offset: int, payloads: list[bytes]) -> None:
        self._answer()
        assert offset > self.committed.get(segment, 0)
        self.rows.extend(payloads)
        self.batch_sizes.append(len(payloads))
        self.committed[segment] = offset
        if self.fails_after_commit:
            self.fails_after_commit = False
            raise SinkUnavailable

    def writer_finished(self, writer: str) -> None:
        self._answer()
        self.finished.append(writer)

    def forget_segment(self, segment: str) -> None:
        self._answer()
        self.forgotten.append(segment)
        self.committed.pop(segment, None)

    def _answer(self) -> None:
        if self.is_away:
            raise SinkUnavailable


@pytest.fixture
def sink() -> RecordingSink:
    return RecordingSink()


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "journal"
