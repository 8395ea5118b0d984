"""OpenAI's error object, and the shapes others make of it."""

from typing import Any

import msgspec

from legato.core.errors import UpstreamError
from legato.providers.failure import ErrorDetail, in_band, scrubbed

# What a type or code says where an in-band error carries no HTTP status.
_STATUS_BY_WORD = {
    "invalid_request_error": 400,
    "context_length_exceeded": 400,
    "content_filter": 400,
    "authentication_error": 401,
    "invalid_api_key": 401,
    "insufficient_quota": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "tokens": 429,
    "requests": 429,
    "timeout": 504,
}


def detail_of_body(body: bytes, secret: str | None) -> ErrorDetail:
    """Read the body of an HTTP error; a body that is no JSON object says nothing fit to pass."""
    try:
        decoded = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return ErrorDetail()
    if not isinstance(decoded, dict):
        return ErrorDetail()
    return _detail(decoded.get("error") or decoded, secret)


def in_band_error(error: Any, secret: str | None) -> UpstreamError:
    """Return the error an event of a stream stands for."""
    return in_band(_detail(error, secret), _status(error))


def _detail(error: Any, secret: str | None) -> ErrorDetail:
    """`{"message", "type", "param", "code"}`, a bare string, or FastAPI's `detail`."""
    if isinstance(error, str):
        return ErrorDetail(message=scrubbed(error, secret))
    if not isinstance(error, dict):
        return ErrorDetail()
    message = error.get("message") or error.get("detail") or ""
    if not isinstance(message, str):  # Mistral nests a list of findings
        message = msgspec.json.encode(message).decode()
    return ErrorDetail(
        message=scrubbed(message, secret),
        type=_word(error.get("type"), secret),
        code=_word(error.get("code"), secret),
        param=_word(error.get("param"), secret),
    )


def _word(value: Any, secret: str | None) -> str | None:
    if value is None or isinstance(value, bool | dict | list):
        return None
    return scrubbed(str(value), secret) or None


def _status(error: Any) -> int | None:
    if not isinstance(error, dict):
        return None
    for field in ("status", "status_code", "code"):
        value = error.get(field)
        if isinstance(value, str) and value.isascii() and value.isdigit():
            value = int(value[:4])
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    for field in ("code", "type"):
        word = error.get(field)
        if isinstance(word, str) and word in _STATUS_BY_WORD:
            return _STATUS_BY_WORD[word]
    return None
