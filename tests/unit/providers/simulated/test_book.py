"""The simulated provider's own record."""

import errno
import os
from pathlib import Path

import pytest

from legato.providers.simulated.book import Book, read_book
from legato.providers.simulated.usage import NOTHING


def test_lines_wait_while_the_disk_is_full_and_then_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "book"
    book, write, room = Book(path, 10), os.write, 40

    def on_a_full_disk(file: int, data: bytes) -> int:
        nonlocal room
        if not room:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = write(file, bytes(data[:room]))
        room -= written
        return written

    with monkeypatch.context() as full:
        full.setattr(os, "write", on_a_full_disk)
        calls = [book.arrived(None, "/v1/chat/completions", "m", stream=False) for _ in range(3)]
        for call in calls:
            book.finished(call, "ok", 200, NOTHING)
    book.arrived(None, "/v1/chat/completions", "m", stream=True)
    assert [(one.n, one.outcome) for one in read_book(path)] == [
        (1, "ok"),
        (2, "ok"),
        (3, "ok"),
        (4, None),
    ]
    book.close()


def test_what_waits_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book = Book(tmp_path / "book", 10)

    def refused(_file: int, _data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", refused)

    def called(times: int) -> None:
        for _ in range(times):
            book.arrived("a" * 200, "/v1/chat/completions", "m", stream=False)

    called(100)
    with pytest.raises(OSError, match="No space"):
        called(10_000)
