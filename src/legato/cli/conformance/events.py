"""Server-sent events as the HTML standard has them: comments, CRLF, several `data:` lines."""

import json
from typing import Any

import msgspec

from legato.cli.conformance.findings import Unfulfilled, need


class Event(msgspec.Struct, frozen=True):
    """One event: its name, empty where it has none, and its data."""

    name: str
    data: str

    @property
    def json(self) -> Any:
        """The data, decoded. Raises Unfulfilled."""
        try:
            return json.loads(self.data)
        except (ValueError, RecursionError):
            raise Unfulfilled(f"an event's data is not JSON: {self.data[:80]!r}") from None


def read_events(body: bytes) -> list[Event]:
    """Read a whole stream; one that ends within an event keeps that, too. Raises Unfulfilled."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unfulfilled(f"the stream is not UTF-8 at byte {error.start}") from None
    need("�" not in text, "the stream has a replacement character (U+FFFD)")
    found = []
    for block in text.replace("\r\n", "\n").replace("\r", "\n").split("\n\n"):
        event = _event(block)
        if event is not None:
            found.append(event)
    return found


def _event(block: str) -> Event | None:
    name, data = "", []
    for line in block.split("\n"):
        field, _, value = line.partition(":")
        if field == "event":
            name = value.removeprefix(" ")
        elif field == "data":
            data.append(value.removeprefix(" "))
    return Event(name, "\n".join(data)) if data else None
