"""Files of exports as bytes: plain or gzip, of any size, with a digest of what they hold."""

import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from legato.core.errors import InvalidRequest

_GZIP: Final = b"\x1f\x8b"
_PARQUET: Final = b"PAR1"
_CHUNK: Final = 1 << 20
_MARKS: Final = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
GUESSED: Final = "auto"


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """Open a file, unpacked where it is gzip whatever its name says.

    Raises:
        InvalidRequest: it can't be opened, or breaks off within.
    """
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == _GZIP
            raw.seek(0)
            if not packed:
                yield raw
                return
            with gzip.GzipFile(fileobj=raw) as unpacked:
                yield io.BufferedReader(unpacked, _CHUNK)
    except (OSError, EOFError, zlib.error) as error:
        raise InvalidRequest(f"{path} can't be read: {error}") from None


def digest_of(path: Path) -> str:
    """Return SHA-256 of what a file holds: the same packed or not."""
    found = hashlib.sha256()
    with opened(path) as stream:
        while chunk := stream.read(_CHUNK):
            found.update(chunk)
    return found.hexdigest()


def is_parquet(path: Path) -> bool:
    """Tell by its first bytes."""
    with opened(path) as stream:
        return stream.read(len(_PARQUET)) == _PARQUET


@contextmanager
def text_of(path: Path, encoding: str = GUESSED) -> Iterator[IO[str]]:
    """Open a file as text.

    Bytes that aren't of the encoding become U+FFFD: no line is lost for one. `auto` goes by the
    byte order mark, else UTF-8.
    """
    with opened(path) as stream:
        if encoding == GUESSED:
            encoding = _encoding(path)
        try:
            text = io.TextIOWrapper(stream, encoding=encoding, errors="replace", newline="")
        except LookupError:
            raise InvalidRequest(
                f"encoding: {encoding!r} is unknown; give one as utf-8, utf-16, cp1252"
            ) from None
        yield text


def _encoding(path: Path) -> str:
    with opened(path) as stream:
        head = stream.read(3)
    return next((name for mark, name in _MARKS if head.startswith(mark)), "utf-8")
