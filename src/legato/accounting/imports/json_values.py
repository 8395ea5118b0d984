"""Objects of a JSON file, one after the other, in bounded memory.

Read are: an array of objects, an object a line, objects one after the other (pages of an API
written to one file), and in each of them pages whose rows stand under `data`.
"""

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import IO, Any, Final

from legato.accounting.imports.problems import BadLine, Problems
from legato.core.errors import InvalidRequest

_CHUNK: Final = 1 << 20
_OBJECT_MAX: Final = 64 << 20
"""Characters of one object, or of one page."""
_LITERAL: Final = 16
"""Longer than any literal or escape that the end of what was read may cut."""
_BETWEEN: Final = " \t\r\n,\ufeff"
_REMEDY: Final = "export it again: the line breaks off or was changed by hand"
_DECODER: Final = json.JSONDecoder(parse_float=Decimal, parse_constant=lambda name: name)
_ROWS: Final = ("data", "rows", "results", "observations")


def json_objects(stream: IO[str], problems: Problems) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield each object with the line it begins at.

    A broken line among lines is a problem and left out. Within an array nothing can be found
    again after a broken object, so the rest is said to be unread.

    Raises:
        InvalidRequest: the file is no JSON from its start.
    """
    for line, value in _Scanner(stream, problems).values():
        yield from _rows(line, value, problems)


def _rows(line: int, value: object, problems: Problems) -> Iterator[tuple[int, Mapping[str, Any]]]:
    if isinstance(value, list):
        for one in value:
            yield from _rows(line, one, problems)
    elif not isinstance(value, Mapping):
        problems.add(line, BadLine("it is not an object", "give an object for each row"))
    elif wrapped := next((name for name in _ROWS if _page(value, name)), ""):
        for one in value[wrapped]:
            yield from _rows(line, one, problems)
    else:
        yield line, value


def _page(value: Mapping[str, Any], name: str) -> bool:
    """A page is an object around rows; a bucket has its own times beside its results."""
    found = value.get(name)
    own = {"start_time", "starting_at", "startTime", "request_id"} & value.keys()
    return isinstance(found, list) and not own and all(isinstance(one, Mapping) for one in found)


class _Scanner:
    """Finds where one value ends, with as much of the file in memory as that needs."""

    def __init__(self, stream: IO[str], problems: Problems) -> None:
        self._stream = stream
        self._problems = problems
        self._text = ""
        self._at = 0
        self._line = 1
        self._ended = False
        self._array = False

    def values(self) -> Iterator[tuple[int, Any]]:
        if not self._skip():
            return
        if self._text[self._at] == "[":
            self._array = True
            self._at += 1
        elif self._text[self._at] != "{":
            raise InvalidRequest("it begins with neither { nor [, so it is not JSON of rows")
        while self._skip():
            if self._array and self._text[self._at] == "]":
                return
            line = self._line
            found = self._value()
            if found is not None:
                yield line, found[0]
            elif self._array:
                return

    def _value(self) -> tuple[Any] | None:
        """Return the value at the place that is reached; None where it is broken."""
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if self._more_would_help(error):
                    continue
                self._broken()
                return None
            except RecursionError:
                self._broken()
                return None
            self._line += self._text.count("\n", self._at, end)
            self._at = end
            return (value,)

    def _more_would_help(self, error: json.JSONDecodeError) -> bool:
        """Read on where a value breaks off with the text; tell whether there was more."""
        held = len(self._text) - self._at
        at_end = error.msg.startswith("Unterminated") or error.pos >= len(self._text) - _LITERAL
        if self._ended or not at_end or held > _OBJECT_MAX:
            return False
        self._read(max(_CHUNK, held))  # twice as much each time: no object is read often
        return True

    def _broken(self) -> None:
        if self._array:
            bad = BadLine(
                "the JSON is broken from here on: nothing after it was read",
                "export it again, or as one object a line, which survives a broken one",
            )
        else:
            bad = BadLine("it is no whole JSON object", _REMEDY)
        line = self._line
        following = self._text.find("\n{", self._at)
        while following < 0 and not self._ended and not self._array:
            self._line += self._text.count("\n", self._at)
            self._text, self._at = self._text[-1:], 0
            self._read(_CHUNK)
            following = self._text.find("\n{")
        if following < 0:
            following = len(self._text)
        self._line += self._text.count("\n", self._at, following)
        self._at = following
        self._problems.add(line, bad)

    def _skip(self) -> bool:
        """Go to the next character that isn't between values; False at the end."""
        while True:
            text, at = self._text, self._at
            while at < len(text) and text[at] in _BETWEEN:
                self._line += text[at] == "\n"
                at += 1
            self._at = at
            if at < len(text):
                return True
            if self._ended:
                return False
            self._read(_CHUNK)

    def _read(self, size: int) -> None:
        more = self._stream.read(size)
        self._ended = not more
        self._text = self._text[self._at :] + more
        self._at = 0
