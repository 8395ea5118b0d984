"""AWS's binary framing of streams, `application/vnd.amazon.eventstream`.

A message: total length, length of the headers, CRC32 of those eight bytes; headers; payload;
CRC32 of all before it. Lengths and checksums are 32 bits, big-endian.
"""

import struct
from collections.abc import Iterator
from zlib import crc32

import msgspec

from legato.core.errors import BadProviderResponse

MESSAGE_BYTES_MAX = 24 * 1024 * 1024
"""AWS bounds a payload at 16 MiB, which is base64 text where it carries bytes."""
_PRELUDE = struct.Struct(">III")
_CRC = struct.Struct(">I")
_OVERHEAD = _PRELUDE.size + _CRC.size
_STRING, _BYTES = 7, 6
_FIXED_BYTES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Header values of fixed length by type: true, false, integers, a timestamp, a UUID."""


class Event(msgspec.Struct, frozen=True, gc=False):
    """One message; only headers whose value is a string are kept."""

    headers: dict[str, str]
    payload: bytes


class EventSplitter:
    """Takes bytes as they came, gives whole messages."""

    def __init__(self) -> None:
        self._held = bytearray()

    @property
    def holds(self) -> bool:
        """Whether part of a message waits for the rest."""
        return bool(self._held)

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """Give the messages that are now complete, one by one.

        Raises:
            BadProviderResponse: a checksum or a length is wrong; what came before it is given.
        """
        held = self._held
        held += chunk
        start = 0
        try:
            while len(held) - start >= _OVERHEAD:
                total = _checked_length(held, start)
                if len(held) - start < total:
                    break
                event = _read(bytes(held[start : start + total]))
                start += total
                yield event
        finally:
            del held[:start]


def _checked_length(held: bytearray, start: int) -> int:
    """Return the length of the message that begins at `start`, once its prelude is sound."""
    total, headers, checksum = _PRELUDE.unpack_from(held, start)
    if crc32(held[start : start + 8]) != checksum:
        raise BadProviderResponse("the provider's event stream has a wrong prelude checksum")
    if not _OVERHEAD + headers <= total <= MESSAGE_BYTES_MAX:
        raise BadProviderResponse("the provider's event stream has a message of impossible length")
    return int(total)


def _read(message: bytes) -> Event:
    if crc32(message[: -_CRC.size]) != _CRC.unpack_from(message, len(message) - _CRC.size)[0]:
        raise BadProviderResponse("the provider's event stream has a wrong message checksum")
    end = _PRELUDE.size + int.from_bytes(message[4:8], "big")
    try:
        headers = _headers(message[_PRELUDE.size : end])
    except (IndexError, KeyError, UnicodeDecodeError):
        raise BadProviderResponse("the provider's event stream has a malformed header") from None
    return Event(headers, message[end : -_CRC.size])


def _headers(raw: bytes) -> dict[str, str]:
    headers: dict[str, str] = {}
    at = 0
    while at < len(raw):
        name_end = at + 1 + raw[at]
        name, kind = raw[at + 1 : name_end].decode(), raw[name_end]
        at = name_end + 1
        if kind in {_STRING, _BYTES}:
            value_at = at + 2
            at = value_at + int.from_bytes(raw[at:value_at], "big")
            if at > len(raw):
                raise IndexError
            if kind == _STRING:
                headers[name] = raw[value_at:at].decode()
        else:
            at += _FIXED_BYTES[kind]
    return headers
