"""Sealed answers on disk: logs that are only appended to, one writer each, read by all.

A database costs 20 µs a row here, more than everything else a miss does to the cache; an
append costs two. Nothing is ever changed in place: an answer that is asked for again after it
expired is appended again, and a log is deleted whole when its last answer has expired or the
logs together are too large. Whoever holds a stale place finds nothing there, which is a miss.

Frame: key (16), expires_ns (8), length (4), sealed answer. The seal proves the content, and a
torn frame can only be the last one of a log.
"""

import os
import struct
from collections.abc import Iterable
from pathlib import Path

_HEAD = struct.Struct("<16sqI")
_LOG_BYTES_MAX = 32 * 1024 * 1024
_ENVELOPE_BYTES = 8 * 1024
"""Room for what surrounds an answer: its facts and its seal."""
_OFFSET_BITS = 32
_SUFFIX = ".answers"


class AnswerLog:
    """One worker's log, and the reading of everybody's.

    `read` may run beside anything; the rest is for one thread at a time.
    """

    def __init__(
        self,
        directory: Path,
        writer: str,
        bytes_max: int,
        *,
        answer_bytes_max: int = _LOG_BYTES_MAX,
    ) -> None:
        """`writer` must be new in each life of a worker; `bytes_max` bounds all logs together.

        An answer over `answer_bytes_max`, facts and seal not counted, isn't read back.
        """
        self._directory = directory
        self._writer = writer
        self._bytes_max = bytes_max
        self._sealed_bytes_max = answer_bytes_max + _ENVELOPE_BYTES
        self._own: Path | None = None
        self._own_fd = -1
        self._own_bytes = 0
        self._opened = 0
        self._numbers: dict[str, int] = {}
        self._names: list[str] = []
        self._read_to: dict[str, int] = {}
        self._last_expiry_ns: dict[str, int] = {}
        self._fresh: list[tuple[bytes, int, int]] = []
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    def append(self, rows: Iterable[tuple[bytes, int, bytes]]) -> None:
        """Append (key, expires_ns, sealed answer) rows.

        Raises:
            OSError: the disk refuses; what was written in part is never found.
        """
        heads, size = [], 0
        parts: list[bytes] = []
        for key, expires_ns, sealed in rows:
            heads.append((key, expires_ns, size))
            parts += (_HEAD.pack(key, expires_ns, len(sealed)), sealed)
            size += _HEAD.size + len(sealed)
        data = b"".join(parts)
        if self._own_fd < 0 or self._own_bytes + len(data) > _LOG_BYTES_MAX:
            self._open_next()
        written = os.write(self._own_fd, data)
        if written != len(data):
            self.close()  # a torn frame ends a log: the next rows go into a new one
            return
        self._tell_own(heads)
        self._own_bytes += written

    def news(self) -> list[tuple[bytes, int, int]]:
        """Return (key, expires_ns, place) of all answers that came since the last call."""
        found, self._fresh = self._fresh, []
        for name in self._logs():
            found += self._scan(name)
        return found

    def read(self, key: bytes, place: int) -> bytes | None:
        """Return the sealed answer at a place, None when it is no longer there."""
        name = self._names[place >> _OFFSET_BITS]
        offset = place & ((1 << _OFFSET_BITS) - 1)
        try:
            with (self._directory / name).open("rb", buffering=0) as log:
                head = os.pread(log.fileno(), _HEAD.size, offset)
                if len(head) != _HEAD.size or head[:16] != key:
                    return None
                length = _HEAD.unpack(head)[2]
                left = os.fstat(log.fileno()).st_size - offset - _HEAD.size
                if length > min(left, self._sealed_bytes_max):
                    return None  # damaged: so much memory would be taken before it is known
                return os.pread(log.fileno(), length, offset + _HEAD.size)
        except FileNotFoundError:
            return None

    def prune(self, now_ns: int) -> None:
        """Delete logs whose answers have all expired, then the oldest past the byte bound."""
        sizes = []
        for name in self._logs():
            path = self._directory / name
            if path == self._own:
                continue
            if self._last_expiry_ns.get(name, now_ns + 1) <= now_ns:
                path.unlink(missing_ok=True)
                continue
            try:
                status = path.stat()
            except FileNotFoundError:
                continue
            sizes.append((status.st_mtime_ns, status.st_size, path))
        total = self._own_bytes + sum(size for _, size, _ in sizes)
        for _, size, path in sorted(sizes):
            if total <= self._bytes_max:
                return
            path.unlink(missing_ok=True)
            total -= size

    def close(self) -> None:
        """Finish the own log."""
        if self._own_fd >= 0:
            os.close(self._own_fd)
        self._own, self._own_fd = None, -1

    def _logs(self) -> list[str]:
        """Return the names of all logs, eldest writer first."""
        with os.scandir(self._directory) as entries:  # five times a second: paths cost too much
            return sorted(entry.name for entry in entries if entry.name.endswith(_SUFFIX))

    def _tell_own(self, heads: list[tuple[bytes, int, int]]) -> None:
        """Note what was just appended to the own log, so that it need not be read for it."""
        if self._own is None:
            return
        name, base = self._own.name, self._own_bytes
        if self._read_to.get(name, 0) != base:
            return  # `news` reads it
        place = self._number(name) << _OFFSET_BITS | base
        self._fresh += [(key, expires_ns, place + offset) for key, expires_ns, offset in heads]
        newest_ns = max((expires_ns for _, expires_ns, _ in heads), default=0)
        self._last_expiry_ns[name] = max(self._last_expiry_ns.get(name, 0), newest_ns)
        self._read_to[name] = os.fstat(self._own_fd).st_size

    def _open_next(self) -> None:
        self.close()
        self._opened += 1
        path = self._directory / f"{self._writer}-{self._opened:06d}{_SUFFIX}"
        self._own_fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        self._own, self._own_bytes = path, 0

    def _scan(self, name: str) -> list[tuple[bytes, int, int]]:
        """Read the heads of new frames, jumping over the answers."""
        path = self._directory / name
        offset = self._read_to.get(name, 0)
        found = []
        try:
            size = path.stat().st_size
            if size <= offset:
                return []
            with path.open("rb") as log:
                number = self._number(name)
                while offset + _HEAD.size <= size:
                    log.seek(offset)
                    key, expires_ns, length = _HEAD.unpack(log.read(_HEAD.size))
                    end = offset + _HEAD.size + length
                    if end > size:
                        break
                    found.append((key, expires_ns, number << _OFFSET_BITS | offset))
                    known_ns = self._last_expiry_ns.get(name, 0)
                    self._last_expiry_ns[name] = max(known_ns, expires_ns)
                    offset = end
        except FileNotFoundError:  # pruned by another worker
            return []
        self._read_to[name] = offset
        return found

    def _number(self, name: str) -> int:
        number = self._numbers.get(name)
        if number is None:
            number = self._numbers[name] = len(self._names)
            self._names.append(name)
        return number
