"""Requests as bytes, for callers that do what no client library would."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from .load import Ask

SETTLE_S = 15.0


def request_bytes(ask: Ask, secret: str) -> bytes:
    body = json.dumps(ask.body()).encode()
    head = (
        "POST /v1/chat/completions HTTP/1.1\r\nhost: legato\r\n"
        f"authorization: Bearer {secret}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def until(what: Callable[[], bool], timeout_s: float = SETTLE_S) -> bool:
    """Wait for something to become true."""
    ends_s = time.monotonic() + timeout_s
    while time.monotonic() < ends_s:
        if what():
            return True
        await asyncio.sleep(0.1)
    return what()
