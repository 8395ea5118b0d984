from typing import Any

import pytest

from legato.gateway.context import Call
from legato.gateway.stages.trace import accept_traceparent

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"


def _call() -> Call:
    nothing: Any = None
    return Call("0" * 32, nothing, nothing, 0)


def test_the_callers_trace_is_joined() -> None:
    call = _call()
    accept_traceparent(call, f"00-{TRACE}-{SPAN}-01".encode())
    assert (call.trace_id, call.span_parent, call.sampled) == (TRACE, SPAN, True)


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"garbage",
        f"00-{'0' * 32}-{SPAN}-01".encode(),
        f"00-{TRACE}-{'0' * 16}-01".encode(),
        f"00-{TRACE.upper()}-{SPAN}-01".encode(),
        f"00-{TRACE}-{SPAN}-01\r\nx: y".encode(),
    ],
)
def test_a_malformed_header_starts_a_trace_of_our_own(header: bytes) -> None:
    call = _call()
    accept_traceparent(call, header)
    assert call.trace_id == call.request_id
    assert not call.span_parent
