"""Server-sent events: one event with what it produced, and legal ways to frame it unusually."""

from collections.abc import Iterator
from typing import NamedTuple

from legato.providers.simulated.settings import Framing

DONE = b"data: [DONE]\n\n"
UTF8_LEADING_BYTE = 0xC0  # from here on a byte begins a character of several
KEEP_ALIVE = b": keep-alive\n\n"


class Event(NamedTuple):
    """One event's bytes with the completion tokens produced by it, of these the hidden reasoning.

    After an event that shows tokens the next one waits one token gap.
    """

    data: bytes
    tokens: int = 0
    reasoning: int = 0


def framed(events: Iterator[Event], framing: Framing) -> Iterator[Event]:
    """The same events, said differently; a client may not notice.

    `split` is no matter of an event's bytes and happens where they are sent.
    """
    if framing == "no_final_newline":
        yield from _without_last_newlines(events)
        return
    for event in events:
        yield event._replace(data=_reframed(event.data, framing))


def _reframed(data: bytes, framing: Framing) -> bytes:
    match framing:
        case "crlf":
            return data.replace(b"\n", b"\r\n")
        case "comments":
            return KEEP_ALIVE + data
        case "multiline":  # a line break after the opening brace is white space to JSON
            return data.replace(b"data: {", b"data: {\ndata: ", 1)
        case _:
            return data


def _without_last_newlines(events: Iterator[Event]) -> Iterator[Event]:
    held: Event | None = None
    for event in events:
        if held is not None:
            yield held
        held = event
    if held is not None:
        yield held._replace(data=held.data.rstrip(b"\n"))


def split_point(data: bytes) -> int:
    """Where to cut an event in two: inside its first multi-byte character, else in the middle."""
    for at, byte in enumerate(data):
        if byte >= UTF8_LEADING_BYTE:
            return at + 1
    return len(data) // 2
