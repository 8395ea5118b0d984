"""The bytes of a segment: a header, frames, zeros up to a footer.

    header  16 bytes  magic "LEGATOJ1", u32 marker, u32 CRC of both
    frame   12 bytes  u32 marker, u32 payload length, u32 CRC; then the payload
    zeros             the part not written yet: a frame header of zeros is the end of data so far
    footer  16 bytes  the header again, on another page, should the first page be lost

All integers are little-endian. The marker is a random number of the segment's own and the CRC
(zlib's CRC-32) covers marker, length, the frame's offset and the payload. So neither an old
frame lying at another place nor frame-shaped bytes inside a payload pass for a frame, and a
reader that lost its way may search for the next one.
"""

import struct
import zlib
from typing import Final

HEADER_BYTES: Final = 16
FRAME_OVERHEAD_BYTES: Final = 12
PAYLOAD_BYTES_MAX: Final = 1 << 20

_MAGIC: Final = b"LEGATOJ1"
_FRAME: Final = struct.Struct("<III")
_COVERED: Final = struct.Struct("<IIQ")
_HEADER: Final = struct.Struct("<8sII")


def encode_header(marker: int) -> bytes:
    """Return the 16 bytes that open (and, repeated, close) a segment."""
    body = _MAGIC + marker.to_bytes(4, "little")
    return body + zlib.crc32(body).to_bytes(4, "little")


def decode_header(header: bytes) -> int | None:
    """Return the segment's marker, or None where these bytes are no sound header."""
    if len(header) != HEADER_BYTES:
        return None
    magic, marker, crc = _HEADER.unpack(header)
    if magic != _MAGIC or crc != zlib.crc32(header[:12]):
        return None
    return int(marker)


def encode_frame(payload: bytes, marker: int, offset: int) -> bytes:
    """Return the frame for `payload` (1 byte to 1 MiB) at byte `offset` of its segment."""
    length = len(payload)
    crc = zlib.crc32(payload, zlib.crc32(_COVERED.pack(marker, length, offset)))
    return _FRAME.pack(marker, length, crc) + payload


def payload_bytes(header: bytes, marker: int) -> int | None:
    """Return the payload length a frame header announces, or None where it can't be one."""
    if len(header) != FRAME_OVERHEAD_BYTES:
        return None
    found, length, _ = _FRAME.unpack(header)
    if found != marker or not 0 < length <= PAYLOAD_BYTES_MAX:
        return None
    return int(length)


def decode_frame(frame: bytes, marker: int, offset: int) -> bytes | None:
    """Return the payload of the exact bytes of one frame, or None where the CRC disagrees."""
    found, length, crc = _FRAME.unpack_from(frame)
    payload = frame[FRAME_OVERHEAD_BYTES:]
    if found != marker or length != len(payload):
        return None
    if crc != zlib.crc32(payload, zlib.crc32(_COVERED.pack(marker, length, offset))):
        return None
    return payload


def sound_frames(
    window: bytes, start: int, marker: int, *, frames_max: int, bytes_max: int
) -> tuple[list[bytes], int]:
    """Return the payloads of the frames at the head of `window`, and where they end in it.

    `start` is the window's own offset in the segment. Stops at the first frame that is unsound
    or not all in the window, after `frames_max` frames, and once payloads reach `bytes_max`.
    """
    payloads: list[bytes] = []
    position, size = 0, len(window)
    last = size - FRAME_OVERHEAD_BYTES
    bytes_left = bytes_max
    unpack, cover, crc32 = _FRAME.unpack_from, _COVERED.pack, zlib.crc32
    while position < last and len(payloads) < frames_max and bytes_left > 0:
        found, length, crc = unpack(window, position)
        body = position + FRAME_OVERHEAD_BYTES
        end = body + length
        if found != marker or not 0 < length <= PAYLOAD_BYTES_MAX or end > size:
            break
        payload = window[body:end]
        if crc != crc32(payload, crc32(cover(marker, length, start + position))):
            break
        payloads.append(payload)
        bytes_left -= length
        position = end
    return payloads, position


def is_unwritten(header: bytes) -> bool:
    """Whether these bytes at a frame's place are still the zeros of preallocation."""
    return not header.strip(b"\0")
