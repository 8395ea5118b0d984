"""Server-sent events as bytes: where an event ends, and what its data is.

Lines end in LF or CRLF (a lone CR, legal on paper, ends no line here: no provider sends it).
"""

import re
from collections.abc import Iterator

import msgspec

EVENT_BYTES_MAX = 16 * 1024 * 1024
"""An event that is still open at this size is refused: a base64 image fits, a runaway doesn't."""

_JSON = msgspec.json.Decoder(msgspec.Raw)
_BLANK_LINE = re.compile(rb"\n\r?\n")
_NEWLINES = re.compile(rb"[\r\n]+")
_LF = ord("\n")
_OVERLAP = 2  # a blank line of which all but the last byte had come before


class EventTooLong(Exception):
    """An event outgrew EVENT_BYTES_MAX."""


class Splitter:
    """Cuts a stream of bytes after its last complete event, holding back the rest."""

    __slots__ = ("_tail",)

    def __init__(self) -> None:
        self._tail = bytearray()

    @property
    def holds(self) -> bool:
        """Whether part of an event is held back."""
        return bool(self._tail)

    def whole(self, chunk: bytes) -> bytes:
        """Return all events that are now complete, as they came.

        Raises:
            EventTooLong: the open event is over EVENT_BYTES_MAX.
        """
        tail = self._tail
        seen = max(0, len(tail) - _OVERLAP)
        tail += chunk
        lf, crlf = tail.rfind(b"\n\n", seen), tail.rfind(b"\n\r\n", seen)
        end = max(0 if lf < 0 else lf + 2, 0 if crlf < 0 else crlf + 3)
        if len(tail) - end > EVENT_BYTES_MAX:
            raise EventTooLong
        events = bytes(tail[:end])
        del tail[:end]
        return events

    def rest(self) -> bytes:
        """Return what the end of the body left without its blank line, closed with one."""
        rest = bytes(self._tail)
        self._tail.clear()
        if not rest.strip():
            return rest
        return rest.rstrip(b"\r\n") + b"\n\n"


def split(events: bytes) -> Iterator[bytes]:
    """Yield each event with its blank line, byte for byte as it came.

    Newlines beyond that blank line come apart, so that what becomes of an event never depends
    on where the network cut them.
    """
    if events.find(b"\n\n") == len(events) - 2 and b"\n\r\n" not in events and events[0] != _LF:
        yield events  # one alone, as most come
        return
    start = 0
    while start < len(events):
        newlines = _NEWLINES.match(events, start)
        blank = None if newlines else _BLANK_LINE.search(events, start)
        found = newlines or blank
        end = found.end() if found else len(events)
        yield events[start:end]
        start = end


def data(event: bytes) -> bytes:
    """Return the `data` of an event, its lines joined by LF; empty for comments."""
    if event.startswith(b"data:") and event.find(b"\n", 0, -2) < 0:  # the common one-liner
        return event[5:].strip()
    if event.startswith(b"event:"):  # and the common two-liner
        second = event.find(b"\n") + 1
        if event.startswith(b"data:", second) and event.find(b"\n", second, -2) < 0:
            return event[second + 5 :].strip()
    lines = [line[5:].strip(b" \r") for line in event.split(b"\n") if line.startswith(b"data:")]
    return b"\n".join(lines).strip()


def name(event: bytes) -> bytes:
    """Return the `event` field, empty where there is none."""
    if event.startswith(b"event:"):
        return event[6 : event.find(b"\n")].strip()
    for line in event.split(b"\n"):
        if line.startswith(b"event:"):
            return line[6:].strip()
    return b""


def is_json(payload: bytes) -> bool:
    """Whether the data of an event is a whole JSON value."""
    try:
        _JSON.decode(payload)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True
