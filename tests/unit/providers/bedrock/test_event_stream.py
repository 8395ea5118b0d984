from __future__ import annotations

import struct
import zlib

import pytest

from legato.core.errors import BadProviderResponse
from legato.providers.bedrock.event_stream import MESSAGE_BYTES_MAX, Event, EventSplitter


def framed(headers: bytes, payload: bytes) -> bytes:
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    whole = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + payload
    return whole + struct.pack(">I", zlib.crc32(whole))


def text(name: str, value: str) -> bytes:
    return bytes([len(name)]) + name.encode() + struct.pack(">BH", 7, len(value)) + value.encode()


TWO = framed(text(":event-type", "a"), b"{}") + framed(text(":event-type", "b"), b"x" * 300)


@pytest.mark.parametrize("size", [1, 3, 12, 16, 50, 1000])
def test_any_split_gives_the_same_messages(size: int) -> None:
    splitter, events = EventSplitter(), []
    for at in range(0, len(TWO), size):
        events += splitter.feed(TWO[at : at + size])
    assert events == [Event({":event-type": "a"}, b"{}"), Event({":event-type": "b"}, b"x" * 300)]
    assert not splitter.holds


def test_headers_of_every_type_are_stepped_over() -> None:
    values = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
    headers = b"".join(b"\x01h" + bytes([kind]) + b"\x07" * size for kind, size in values.items())
    headers += b"\x01b\x06" + struct.pack(">H", 3) + b"\x00\x01\x02" + text("last", "kept")
    (event,) = EventSplitter().feed(framed(headers, b""))
    assert event.headers == {"last": "kept"}


@pytest.mark.parametrize("at", [0, 9, 14, len(TWO) - 400, -1, -6])
def test_a_changed_byte_is_noticed(at: int) -> None:
    damaged = bytearray(TWO)
    damaged[at] ^= 1
    with pytest.raises(BadProviderResponse, match="checksum"):
        list(EventSplitter().feed(bytes(damaged)))


def test_what_came_whole_before_the_damage_is_given() -> None:
    events = EventSplitter().feed(TWO[:-1] + b"\x00")
    assert next(events).headers == {":event-type": "a"}
    with pytest.raises(BadProviderResponse):
        next(events)


@pytest.mark.parametrize("total", [15, MESSAGE_BYTES_MAX + 1])
def test_an_impossible_length_is_refused_at_once(total: int) -> None:
    prelude = struct.pack(">II", total, 0)
    with pytest.raises(BadProviderResponse, match="length"):
        list(EventSplitter().feed(prelude + struct.pack(">I", zlib.crc32(prelude)) + bytes(4)))


@pytest.mark.parametrize(
    "headers", [b"\x05ab", b"\x01h\x0b", b"\x01h\x07\x00\x09x", b"\x01\xff\x00"]
)
def test_malformed_headers_are_refused(headers: bytes) -> None:
    with pytest.raises(BadProviderResponse, match="header"):
        list(EventSplitter().feed(framed(headers, b"")))
