"""Errors in Anthropic's shape."""

import msgspec

from legato.core.errors import LegatoError

_TYPE_BY_STATUS = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}
_KNOWN_TYPES = frozenset(_TYPE_BY_STATUS.values()) | {
    "invalid_request_error",
    "billing_error",
    "api_error",
}
_SERVER_ERROR = 500


def error_body(error: LegatoError, request_id: str) -> bytes:
    """Render `{"type": "error", "error": {"type", "message"}, "request_id"}`.

    A provider's own type is kept where it is one of Anthropic's.
    """
    default = "api_error" if error.http_status >= _SERVER_ERROR else "invalid_request_error"
    kind = error.wire_type if error.wire_type in _KNOWN_TYPES else None
    return msgspec.json.encode(
        {
            "type": "error",
            "error": {
                "type": kind or _TYPE_BY_STATUS.get(error.http_status, default),
                "message": error.message,
            },
            "request_id": request_id,
        }
    )


def error_frame(error: LegatoError, request_id: str) -> bytes:
    """Render the in-band event after a 200 has gone out."""
    return b"event: error\ndata: " + error_body(error, request_id) + b"\n\n"
