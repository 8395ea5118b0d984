"""The texts that `legato guard scan` looks into: of files, folders and standard input."""

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from legato.core.errors import InvalidRequest

STANDARD_INPUT: Final = "-"
FILE_BYTES_MAX: Final = 16 * 1024 * 1024
"""Of a file in a folder: larger ones are passed over, and named."""
_JSON_LINES: Final = (".jsonl", ".ndjson")
_DEPTH_MAX: Final = 200
_HIDDEN: Final = "(hidden)"
Hides = Callable[[str], bool]
"""Whether a key must not be told: it holds a find itself."""


class Source(msgspec.Struct, frozen=True):
    """A text and where it stands: in JSON lines at a pointer, elsewhere a whole file."""

    file: str
    line: int
    text: str
    pointer: str | None = None


class Sources:
    """Reads what it is given, in order; tells what it passed over."""

    def __init__(self, given: Sequence[str], hides: Hides) -> None:
        self._given = given
        self._hides = hides
        self.files = 0
        self.passed_over: list[str] = []
        """Files of folders that hold no UTF-8 text, or too much of it; each with why."""

    def __iter__(self) -> Iterator[Source]:
        """Yield all texts. Raises InvalidRequest: a file that was named can't be read."""
        for one in self._given:
            if one != STANDARD_INPUT and Path(one).is_dir():
                for path in _files_below(one):
                    yield from self._of_folder(path)
            else:
                self.files += 1
                yield from self._texts(one, _read(one))

    def _of_folder(self, path: str) -> Iterator[Source]:
        try:
            text = _small_text(path)
            found = list(self._texts(path, text))
        except InvalidRequest as error:
            self.passed_over.append(error.message)
            return
        self.files += 1
        yield from found

    def _texts(self, file: str, text: str) -> Iterator[Source]:
        if not file.endswith(_JSON_LINES):
            yield Source(file, 1, text)
            return
        for number, line in enumerate(text.split("\n"), start=1):
            if not line.strip():
                continue
            try:
                value = msgspec.json.decode(line)
            except (msgspec.DecodeError, RecursionError) as error:
                raise InvalidRequest(f"{file}, line {number}: {error}") from None
            for pointer, piece in self._inside(value, "", 0):
                yield Source(file, number, piece, pointer)

    def _inside(self, value: Any, pointer: str, depth: int) -> Iterator[tuple[str, str]]:
        """Yield JSON pointer and text of every string; one ending in `#` is a key itself."""
        if depth > _DEPTH_MAX:
            raise InvalidRequest(f"{pointer[:80]}...: nested deeper than {_DEPTH_MAX}")
        if isinstance(value, str):
            yield pointer, value
        elif isinstance(value, dict):
            for key, inner in value.items():
                # A key that is itself a find isn't told by a place.
                shown = _HIDDEN if self._hides(key) else key.replace("~", "~0").replace("/", "~1")
                below = f"{pointer}/{shown}"
                yield f"{below}#", key
                yield from self._inside(inner, below, depth + 1)
        elif isinstance(value, list):
            for index, inner in enumerate(value):
                yield from self._inside(inner, f"{pointer}/{index}", depth + 1)


def _files_below(folder: str) -> Iterator[str]:
    """Yield the files of a folder in order of their names; links and hidden ones are left out."""
    for entry in sorted(os.scandir(folder), key=lambda one: one.name):
        if entry.name.startswith(".") or entry.is_symlink():
            continue
        if entry.is_dir():
            yield from _files_below(entry.path)
        elif stat.S_ISREG(entry.stat().st_mode):
            yield entry.path


def _small_text(path: str) -> str:
    if Path(path).stat().st_size > FILE_BYTES_MAX:
        raise InvalidRequest(f"{path} has more than {FILE_BYTES_MAX} bytes: name it to scan it")
    return _read(path)


def _read(file: str) -> str:
    try:
        with click.open_file(file, encoding="utf-8") as opened:
            text: str = opened.read()
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"{file} is no UTF-8 text: {error.reason}") from None
    except OSError as error:
        raise InvalidRequest(f"{file} can't be read: {error.strerror}") from None
    return text
