"""Single calls steered by documented `x-simulated-*` request headers.

    x-simulated-status: 503        answer with this error status (429 with the retry-after settings)
    x-simulated-cut-after: 5       cut the stream after five events, in the set `cut_style`
    x-simulated-stall-s: 2         hang so long, at the set `stall_where`
    x-simulated-garbage: html      answer 200 with this garbage
    x-simulated-wrong-usage: zero  report usage wrongly in this way
    x-simulated-call-tool: true    call a tool, if the request has one

Any field of `Behaviour` works too, with dashes: `x-simulated-latency-ms: 200`. Steered faults
ignore `fault_calls_max`.
"""

from typing import Any

import msgspec

from legato.providers.simulated.refusal import Refusal
from legato.providers.simulated.settings import Behaviour

PREFIX = b"x-simulated-"
TOO_MANY_REQUESTS = 429


def steered(behaviour: Behaviour, headers: list[tuple[str, str]]) -> Behaviour:
    """The behaviour with a call's steering headers (names without their prefix) laid over it.

    Raises:
        Refusal: 400, a header is unknown or its value out of bounds.
    """
    fields: dict[str, Any] = {"fault_calls_max": None}
    for name, value in headers:
        fields |= _fields(name, value)
    try:
        return behaviour.changed(fields, strict=False)
    except msgspec.ValidationError as error:
        raise Refusal(400, f"bad x-simulated header: {error}") from error


def _fields(name: str, value: str) -> dict[str, Any]:
    match name:
        case "status" if value == str(TOO_MANY_REQUESTS):
            return {"rate429": 1.0, "error_rate": 0.0}
        case "status":
            return {"error_rate": 1.0, "error_status": value}
        case "cut-after":
            return {"cut_rate": 1.0, "cut_after_events": value}
        case "stall-s":
            return {"stall_rate": 1.0, "stall_s": value}
        case "garbage":
            return {"garbage_rate": 1.0, "garbage_shape": value}
        case "wrong-usage":
            return {"wrong_usage_rate": 1.0, "wrong_usage_shape": value}
        case "call-tool":
            return {"tool_call_marker": "" if value == "true" else None}
        case _:
            return {name.replace("-", "_"): value}
