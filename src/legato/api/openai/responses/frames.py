"""Frames of the typed event stream: numbered from 0, each with its `event:` line."""

from typing import Any

import msgspec

_encode = msgspec.json.Encoder().encode


class Frames:
    """Writes the frames of one stream."""

    def __init__(self) -> None:
        self._next = 0

    def event(self, kind: str, **fields: Any) -> bytes:
        """Return one frame."""
        body = _encode({"type": kind, "sequence_number": self._next, **fields})
        self._next += 1
        return b"event: " + kind.encode() + b"\ndata: " + body + b"\n\n"

    def delta(self, head: bytes, delta: str) -> bytes:
        """Return a frame that adds text; `head` comes from `delta_head`."""
        number = self._next
        self._next = number + 1
        return b'%b%b,"sequence_number":%d}\n\n' % (head, _encode(delta), number)


def delta_head(kind: str, **fields: Any) -> bytes:
    """Return what all deltas of one place begin with, so that it is written once."""
    body = _encode({"type": kind, **fields})
    return b"event: " + kind.encode() + b"\ndata: " + body[:-1] + b',"delta":'
