"""Cohere's error body: `{"id", "message"}` beside the status."""

import msgspec

from legato.core.errors import UpstreamError
from legato.providers.failure import ErrorDetail, in_band, scrubbed


def detail_of_body(body: bytes, secret: str | None) -> ErrorDetail:
    """Read the body of an HTTP error; a body that is no JSON object says nothing fit to pass."""
    try:
        decoded = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return ErrorDetail()
    message = decoded.get("message") if isinstance(decoded, dict) else None
    return ErrorDetail(message=scrubbed(message, secret) if isinstance(message, str) else "")


def broken_off(message: object, secret: str | None) -> UpstreamError:
    """Return the error of an answer that ended with the reason ERROR or TIMEOUT."""
    said = scrubbed(message, secret) if isinstance(message, str) else "the answer broke off"
    return in_band(ErrorDetail(message=said), None)
