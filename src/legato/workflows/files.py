"""Files of callers: kept for their organisation only, sealed in parts under a key of its own."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final, Protocol

from legato.core.clock import Clock
from legato.core.erasure import KeyDestroyed
from legato.core.errors import Conflict, Erased, InvalidRequest, NotFound, StorageUnavailable
from legato.core.ids import is_id
from legato.storage.kept.files import FileRecord, FileStore

PREFIX: Final = "file-"
PART_BYTES: Final = 1024 * 1024


class Sealer(Protocol):
    """Encrypts what is kept of each organisation; may block."""

    def seal(self, org: str, data: bytes, context: bytes) -> bytes:
        """Encrypt `data`, bound to `context`. Raises LegatoError where there is no key."""
        ...

    def open(self, org: str, sealed: bytes, context: bytes) -> bytes:
        """Decrypt. Raises ValueError for anything altered or bound to another context."""
        ...


class StoredFiles:
    """Blocking: call it in a thread. Every method may raise StorageUnavailable."""

    def __init__(
        self,
        store: FileStore,
        sealer: Sealer,
        clock: Clock,
        *,
        new_id: Callable[[], str],
        org_bytes_max: int,
        read_by: Callable[[str, str], str] = lambda _org, _file_id: "",
    ) -> None:
        """`read_by` names the batch that still reads a file, "" for none."""
        self._read_by = read_by
        self._store = store
        self._sealer = sealer
        self._now_ns = clock.now_ns
        self._new_id = new_id
        self._org_bytes_max = org_bytes_max

    def upload(self, org: str, purpose: str, name: str, content: bytes) -> FileRecord:
        """Keep what a caller sent.

        Raises:
            InvalidRequest: the organisation keeps as much as it may.
        """
        self.require_room(org, len(content))
        return self.write(org, PREFIX + self._new_id(), [content], purpose=purpose, name=name)

    def require_room(self, org: str, size: int) -> None:
        """Raise InvalidRequest where an organisation keeps as much as it may."""
        if self._store.bytes_kept(org) + size > self._org_bytes_max:
            msg = (
                f"file: your organisation's files may hold {self._org_bytes_max} bytes "
                "in all (files.org_bytes_max); delete some"
            )
            raise InvalidRequest(msg, param="file")

    def write(
        self, org: str, file_id: str, pieces: Iterable[bytes], *, purpose: str, name: str
    ) -> FileRecord:
        """Keep a file under an id of the caller's; written again, it is the same file."""
        total = number = 0
        for part in _parts(pieces):
            self._store.put_part(
                org, file_id, number, self._sealer.seal(org, part, part_context(file_id, number))
            )
            total, number = total + len(part), number + 1
        sealed_name = self._sealer.seal(org, name.encode(), _context(file_id, "name"))
        record = FileRecord(org, file_id, purpose, total, number, self._now_ns(), sealed_name)
        self._store.publish(record)
        return record

    def find(self, org: str, file_id: str) -> FileRecord:
        """Return a file. Raises NotFound."""
        found = None
        if file_id.startswith(PREFIX) and is_id(file_id.removeprefix(PREFIX)):
            found = self._store.get(org, file_id)
        if found is None:
            raise NotFound(f"There is no file {file_id[:100]!r}.", param="id")
        return found

    def page(self, org: str, *, after: str, limit: int, newest_first: bool) -> list[FileRecord]:
        """Return some of an organisation's files."""
        return self._store.page(org, after=after, limit=limit, newest_first=newest_first)

    def name(self, record: FileRecord) -> str:
        """Return a file's name."""
        return self._open(record.org, record.sealed_name, _context(record.id, "name")).decode()

    def part(self, record: FileRecord, number: int) -> bytes:
        """Return one part of a file. Raises NotFound for one that was deleted meanwhile."""
        sealed = self._store.part(record.org, record.id, number)
        if sealed is None:
            raise NotFound(f"The file {record.id!r} was deleted.", param="id")
        return self._open(record.org, sealed, part_context(record.id, number))

    def forget(self, org: str, file_id: str) -> None:
        """Delete a file for good. Raises NotFound; Conflict while a batch reads it."""
        found = self.find(org, file_id)
        batch_id = self._read_by(org, found.id)
        if batch_id:
            msg = f"{batch_id} still reads this file: cancel it, or wait for its end"
            raise Conflict(msg, param="id")
        self._store.delete(org, found.id)

    def _open(self, org: str, sealed: bytes, context: bytes) -> bytes:
        try:
            return self._sealer.open(org, sealed, context)
        except KeyDestroyed:
            msg = "What was kept of this file was erased: its key is destroyed."
            raise Erased(msg, param="id") from None
        except ValueError as error:
            msg = "What is kept of this file can't be opened."
            raise StorageUnavailable(msg) from error


def _parts(pieces: Iterable[bytes]) -> Iterator[bytes]:
    held = bytearray()
    for piece in pieces:
        held += piece
        while len(held) >= PART_BYTES:
            yield bytes(held[:PART_BYTES])
            del held[:PART_BYTES]
    if held:
        yield bytes(held)


def part_context(file_id: str, number: int) -> bytes:
    """Return what a part's sealed content is bound to."""
    return _context(file_id, str(number))


def _context(file_id: str, what: str) -> bytes:
    return f"file\x00{file_id}\x00{what}".encode()
