"""How a worker and the processes that run detectors talk: a length, then an array."""

import struct
from typing import Any, Final

import msgspec

from legato.core.guarding import Finding, Piece, Place

HEAD: Final = struct.Struct(">I")
FRAME_BYTES_MAX: Final = 256 * 1024 * 1024
Plain = tuple[str, int, int, float]
"""A finding: label, start, end, score."""


class Ask(msgspec.Struct, frozen=True, array_like=True):
    """One question: which detector, and the texts with their places."""

    kind: str
    settings: dict[str, Any]
    texts: tuple[tuple[str, Place], ...]


class Told(msgspec.Struct, frozen=True, array_like=True):
    """Its answer: the findings of each text, or what kept it from looking."""

    found: tuple[tuple[Plain, ...], ...] = ()
    failed: str = ""
    """The name of an exception's class: its own words may hold a text."""


encode: Final = msgspec.msgpack.Encoder().encode
decode_ask: Final = msgspec.msgpack.Decoder(Ask).decode
decode_told: Final = msgspec.msgpack.Decoder(Told).decode


def framed(payload: bytes) -> bytes:
    """Return a frame."""
    return HEAD.pack(len(payload)) + payload


def texts_of(pieces: "list[Piece] | tuple[Piece, ...]") -> tuple[tuple[str, Place], ...]:
    """Return pieces as a question has them."""
    return tuple((one.text, one.place) for one in pieces)


def findings_of(told: Told, detector: str) -> list[list[Finding]]:
    """Return an answer's findings."""
    return [
        [Finding(label, start, end, score, detector) for label, start, end, score in some]
        for some in told.found
    ]
