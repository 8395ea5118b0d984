"""What a model sees in a picture of one colour: a server that has not decoded it can't say it."""

from __future__ import annotations

import struct
import zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"
COLOURS = {(255, 0, 0): "red", (0, 255, 0): "green", (0, 0, 255): "blue"}


def colour_in(raw: bytes) -> str:
    """The name of the one colour of a PNG of plain RGB, "" for any other picture."""
    if not raw.startswith(SIGNATURE):
        return ""
    parts, at = {}, len(SIGNATURE)
    while at + 8 <= len(raw):
        (length,) = struct.unpack_from(">I", raw, at)
        name, data = raw[at + 4 : at + 8], raw[at + 8 : at + 8 + length]
        (checksum,) = struct.unpack_from(">I", raw, at + 8 + length)
        assert zlib.crc32(name + data) == checksum, "a broken picture"
        parts[name] = data
        at += 12 + length
    if set(parts) != {b"IHDR", b"IDAT", b"IEND"}:
        return ""
    width, height, depth, kind, *rest = struct.unpack(">IIBBBBB", parts[b"IHDR"])
    assert (depth, kind, rest) == (8, 2, [0, 0, 0]), "not plain RGB"
    rows = zlib.decompress(parts[b"IDAT"])
    assert len(rows) == height * (1 + 3 * width), "not as large as it says"
    pixels = {
        tuple(rows[row + 3 * column + 1 : row + 3 * column + 4])
        for row in range(0, len(rows), 1 + 3 * width)
        for column in range(width)
    }
    return COLOURS.get(pixels.pop(), "") if len(pixels) == 1 else ""  # type: ignore[arg-type]
