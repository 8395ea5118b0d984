"""W3C trace context: accepted from the caller, passed on to the provider."""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from legato.gateway.context import Call

_TRACEPARENT = re.compile(rb"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_SAMPLED = 1


def accept_traceparent(call: "Call", header: bytes | None) -> None:
    """Join the caller's trace; a malformed header starts a new one, as the standard says."""
    if header is None:
        return
    match = _TRACEPARENT.fullmatch(header)
    if match is None or match[1] == b"0" * 32 or match[2] == b"0" * 16:
        return
    call.trace_id = match[1].decode()
    call.span_parent = match[2].decode()
    call.sampled = bool(int(match[3], 16) & _SAMPLED)
