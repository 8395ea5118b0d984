"""Errors in OpenAI's shape: always an object, never a string."""

import msgspec

from legato.core.errors import LegatoError

_TYPE_BY_STATUS = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}
_SERVER_ERROR = 500


def error_body(error: LegatoError) -> bytes:
    """Render `{"error": {"message", "type", "param", "code"}}`.

    A provider's own type and code are kept where it refused the caller's request.
    """
    default = "server_error" if error.http_status >= _SERVER_ERROR else "invalid_request_error"
    return msgspec.json.encode(
        {
            "error": {
                "message": error.message,
                "type": error.wire_type or _TYPE_BY_STATUS.get(error.http_status, default),
                "param": error.param,
                "code": error.wire_code or error.code,
            }
        }
    )


def error_frame(error: LegatoError) -> bytes:
    """Render the in-band event after a 200 has gone out; no [DONE] may follow it."""
    return b"data: " + error_body(error) + b"\n\n"
