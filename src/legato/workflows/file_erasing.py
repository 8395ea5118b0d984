"""Erases, in the files of batches, the lines of a user and the answers to their requests.

A line keeps its length: what is left of it is filled up with blanks. So a file keeps its size, and
only the parts that hold such a line are written again, all at once.
"""

from collections.abc import Callable, Collection, Iterator
from typing import Any, Final, NamedTuple

import msgspec

from legato.core.erasure import KeyDestroyed
from legato.storage.kept.files import FileRecord, FileStore
from legato.storage.runs.batches import BatchStore
from legato.workflows.files import PART_BYTES, Sealer, part_context
from legato.workflows.message_batches import PURPOSE as MESSAGE_BATCH

_PURPOSES: Final = frozenset({"batch", "batch_output", MESSAGE_BATCH})
_FILES_PER_PAGE: Final = 100
_ERROR: Final = {"code": "erased", "message": "It was erased."}


class Found(NamedTuple):
    """How many lines were erased, and how many stay, since a batch still reads them."""

    lines: int = 0
    busy: int = 0


class FileErasing:
    """One organisation's. Blocking; methods may raise StorageUnavailable."""

    def __init__(
        self,
        org: str,
        stores: tuple[FileStore, BatchStore],
        sealer: Sealer,
        pseudonym: Callable[[str, str], str],
    ) -> None:
        """`pseudonym` returns a user as the ledger names them, by organisation and name."""
        self._org = org
        self._files, self._batches = stores
        self._sealer = sealer
        self._pseudonym = pseudonym

    def erase(self, user: str, requests: Collection[str], *, dry_run: bool = False) -> Found:
        """Blank the lines of a user, by pseudonym, and of requests; done again, it finds none.

        A file whose key was destroyed is passed over: nobody can read it.
        """
        lines = busy = 0
        after = ""
        while page := self._files.page(self._org, after=after, limit=_FILES_PER_PAGE):
            for record in page:
                if record.purpose in _PURPOSES:
                    found = self._in_file(record, user, requests, dry_run=dry_run)
                    lines, busy = lines + found.lines, busy + found.busy
            after = page[-1].id
        return Found(lines, busy)

    def lines(self, user: str, requests: Collection[str]) -> Iterator[tuple[str, Any]]:
        """Yield what `erase` would blank, line by line, each with its file's id."""
        after = ""
        while page := self._files.page(self._org, after=after, limit=_FILES_PER_PAGE):
            for record in page:
                if record.purpose in _PURPOSES:
                    for _, line in _lines(self._content(record)):
                        if self._left(line, user, requests) is not None:
                            yield record.id, msgspec.json.decode(line)
            after = page[-1].id

    def _content(self, record: FileRecord) -> bytearray:
        """Return a file, empty where its key was destroyed: nobody can read it."""
        try:
            return bytearray().join(self._part(record, at) for at in range(record.parts))
        except KeyDestroyed:
            return bytearray()

    def _in_file(
        self, record: FileRecord, user: str, requests: Collection[str], *, dry_run: bool
    ) -> Found:
        content = self._content(record)
        changed: set[int] = set()
        lines = 0
        for start, line in _lines(content):
            left = self._left(line, user, requests)
            if left is not None:
                lines += 1
                end = start + len(line)
                content[start:end] = left
                changed.update(range(start // PART_BYTES, (end - 1) // PART_BYTES + 1))
        if self._batches.open_over(self._org, record.id):
            return Found(busy=lines)
        if changed and not dry_run:
            self._files.rewrite(
                self._org, record.id, {at: self._sealed(record, at, content) for at in changed}
            )
        return Found(lines)

    def _part(self, record: FileRecord, number: int) -> bytes:
        sealed = self._files.part(self._org, record.id, number)
        if sealed is None:  # deleted meanwhile
            return b""
        return self._sealer.open(self._org, sealed, part_context(record.id, number))

    def _sealed(self, record: FileRecord, number: int, content: bytearray) -> bytes:
        part = bytes(content[number * PART_BYTES : (number + 1) * PART_BYTES])
        return self._sealer.seal(self._org, part, part_context(record.id, number))

    def _left(self, line: bytes, user: str, requests: Collection[str]) -> bytes | None:
        """Return what is left of a line, as long as it was; None where all of it stays."""
        try:
            read = msgspec.json.decode(line)
        except (msgspec.DecodeError, RecursionError):
            return None
        if not isinstance(read, dict):
            return None
        response, body = read.get("response"), read.get("body")
        if isinstance(response, dict) and response.get("request_id") in requests:
            left: dict[str, Any] = {
                "id": read.get("id"),
                "custom_id": read.get("custom_id"),
                "response": None,
                "error": _ERROR,
            }
        elif isinstance(body, dict) and self._is_of(body, user):
            kept = ("custom_id", "method", "url")
            left = {**{name: read.get(name) for name in kept}, "body": {}}
        else:
            return None
        encoded = msgspec.json.encode(left)
        if len(encoded) > len(line):
            encoded = msgspec.json.encode({"custom_id": read.get("custom_id")})
        return encoded[: len(line)].ljust(len(line))

    def _is_of(self, body: dict[str, Any], user: str) -> bool:
        metadata = body.get("metadata")
        named = [body.get("user")]
        if isinstance(metadata, dict):
            named.append(metadata.get("user_id"))
        return bool(user) and any(
            isinstance(one, str) and bool(one) and self._pseudonym(self._org, one) == user
            for one in named
        )


def _lines(content: bytearray) -> Iterator[tuple[int, bytes]]:
    """Yield where each line begins, and what it says."""
    start = 0
    while start < len(content):
        end = content.find(b"\n", start)
        end = len(content) if end < 0 else end
        if end > start:
            yield start, bytes(content[start:end])
        start = end + 1
