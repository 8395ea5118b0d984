"""Anthropic's error object: `{"type": "error", "error": {"type", "message"}}`."""

from typing import Any

import msgspec

from legato.core.errors import UpstreamError
from legato.providers.failure import ErrorDetail, in_band, scrubbed

# What a type says where an in-band error carries no HTTP status.
_STATUS_BY_TYPE = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
_SERVER_ERROR = 500


class _Named(msgspec.Struct):
    type: str = ""


class _Enveloped(msgspec.Struct):
    error: _Named


def detail_of_body(body: bytes, secret: str | None) -> ErrorDetail:
    """Read the body of an HTTP error; a body that is no JSON object says nothing fit to pass."""
    try:
        decoded = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return ErrorDetail()
    return _detail(decoded.get("error"), secret) if isinstance(decoded, dict) else ErrorDetail()


def status_of(body: bytes) -> int:
    """Return the status that an error object without one stands for; 500 for an unknown type."""
    try:
        error = msgspec.json.decode(body, type=_Enveloped).error
    except (msgspec.DecodeError, RecursionError):
        return _SERVER_ERROR
    return _STATUS_BY_TYPE.get(error.type, _SERVER_ERROR)


def in_band_error(error: Any, secret: str | None) -> UpstreamError:
    """Return the error an event of a stream stands for."""
    kind = error.get("type") if isinstance(error, dict) else None
    status = _STATUS_BY_TYPE.get(kind) if isinstance(kind, str) else None
    return in_band(_detail(error, secret), status)


def _detail(error: Any, secret: str | None) -> ErrorDetail:
    if not isinstance(error, dict):
        return ErrorDetail(message=scrubbed(error, secret) if isinstance(error, str) else "")
    message, kind = error.get("message"), error.get("type")
    return ErrorDetail(
        message=scrubbed(message, secret) if isinstance(message, str) else "",
        type=scrubbed(kind, secret) if isinstance(kind, str) else None,
    )
