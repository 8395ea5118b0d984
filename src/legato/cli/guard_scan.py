"""What `legato guard scan` does."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Any, Final

import click
import msgspec

from legato.cli.options import print_json
from legato.core.errors import InvalidRequest
from legato.detectors.names import scan as find

_JSON_LINES: Final = (".jsonl", ".ndjson")
_DEPTH_MAX: Final = 200
_HIDDEN: Final = "(hidden)"


class Found(msgspec.Struct, frozen=True, omit_defaults=True):
    """A find in a file. `line` and `column` count from 1, `start` and `end` from 0.

    In JSON lines, `start` and `end` are places in the string that `pointer` names, and the column
    is that of `start` in it. A key that holds a find is hidden in pointers.
    """

    file: str
    line: int
    column: int
    start: int
    end: int
    label: str
    detector: str
    pointer: str | None = None
    text: str | None = None


def scan(
    *, files: Sequence[str], labels: Sequence[str], as_json: bool, show: bool, fail: bool
) -> None:
    """Print what is found; end with 1 if asked to and there is something."""
    found = [one for file in files for one in _found(file, labels or None, show=show)]
    if as_json:
        print_json(found)
    else:
        for one in found:
            click.echo(_line(one))
        click.echo(f"{len(found)} found in {len(files)} file(s)", err=True)
    if fail and found:
        raise click.exceptions.Exit(1)


def _line(one: Found) -> str:
    where = f"{one.file}:{one.line}:{one.column}"
    inside = "" if one.pointer is None else f" {one.pointer}"
    shown = "" if one.text is None else f" {one.text!r}"
    return f"{where}{inside} {one.label} ({one.detector}){shown}"


def _found(file: str, labels: Sequence[str] | None, *, show: bool) -> Iterator[Found]:
    try:
        with click.open_file(file, encoding="utf-8") as opened:
            text = opened.read()
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"{file} is no UTF-8 text: {error.reason}") from None
    except OSError as error:
        raise InvalidRequest(f"{file} can't be read: {error.strerror}") from None
    pieces = _strings(file, text) if file.endswith(_JSON_LINES) else [(1, None, text)]
    for first_line, pointer, piece in pieces:
        starts = [0, *(at + 1 for at, character in enumerate(piece) if character == "\n")]
        for one in find(piece, labels):
            row = bisect_right(starts, one.start) - 1
            yield Found(
                file,
                first_line if pointer is not None else first_line + row,
                one.start + 1 if pointer is not None else one.start - starts[row] + 1,
                one.start,
                one.end,
                one.label,
                one.detector,
                pointer,
                piece[one.start : one.end] if show else None,
            )


def _strings(name: str, text: str) -> Iterator[tuple[int, str, str]]:
    """Yield line, JSON pointer and text of every string; one ending in `#` is a key itself."""
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = msgspec.json.decode(line)
        except (msgspec.DecodeError, RecursionError) as error:
            raise InvalidRequest(f"{name}, line {number}: {error}") from None
        for pointer, piece in _inside(value, "", 0):
            yield number, pointer, piece


def _inside(value: Any, pointer: str, depth: int) -> Iterator[tuple[str, str]]:
    if depth > _DEPTH_MAX:
        raise InvalidRequest(f"{pointer[:80]}...: nested deeper than {_DEPTH_MAX}")
    if isinstance(value, str):
        yield pointer, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            # A key that is itself a find isn't told by a place.
            named = _HIDDEN if find(key) else key.replace("~", "~0").replace("/", "~1")
            below = f"{pointer}/{named}"
            yield f"{below}#", key
            yield from _inside(inner, below, depth + 1)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _inside(inner, f"{pointer}/{index}", depth + 1)
