"""Messages of `application/vnd.amazon.eventstream`, written.

After "Event stream encoding" (Amazon Transcribe Developer Guide) and the Smithy specification
"Amazon Event Stream", read through 2026-11-21.
"""

from __future__ import annotations

import json
import struct
import zlib
from typing import Any

STRING = 7


def message(headers: dict[str, str], payload: bytes) -> bytes:
    """One whole message."""
    written = b"".join(
        bytes([len(name)])
        + name.encode()
        + struct.pack(">BH", STRING, len(value.encode()))
        + value.encode()
        for name, value in headers.items()
    )
    prelude = struct.pack(">II", len(written) + len(payload) + 16, len(written))
    whole = prelude + struct.pack(">I", zlib.crc32(prelude)) + written + payload
    return whole + struct.pack(">I", zlib.crc32(whole))


def event(kind: str, body: Any) -> bytes:
    """An ordinary event."""
    headers = {
        ":event-type": kind,
        ":content-type": "application/json",
        ":message-type": "event",
    }
    return message(headers, json.dumps(body).encode())


def exception(kind: str, body: Any) -> bytes:
    """An error in mid-stream; it is the last message."""
    headers = {
        ":exception-type": kind,
        ":content-type": "application/json",
        ":message-type": "exception",
    }
    return message(headers, json.dumps(body).encode())
