"""Google's error object: `{"error": {"code", "message", "status", "details"}}`."""

from typing import Any

import msgspec

from legato.core.errors import UpstreamError
from legato.providers.failure import ErrorDetail, in_band, scrubbed

_REFUSES_KEY = 401
_REFUSES_ACCOUNT = 403
_UNAVAILABLE = 503
_CANCELLED = 499
# What a canonical code says where an error carries no HTTP status (google.rpc.Code).
_STATUS_BY_CODE = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": _REFUSES_ACCOUNT,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": _REFUSES_KEY,
    "PERMISSION_DENIED": _REFUSES_ACCOUNT,
    "NOT_FOUND": 404,
    "ABORTED": 409,
    "RESOURCE_EXHAUSTED": 429,
    "CANCELLED": _UNAVAILABLE,
    "INTERNAL": 500,
    "UNAVAILABLE": _UNAVAILABLE,
    "DEADLINE_EXCEEDED": 504,
}


class GoogleError(msgspec.Struct, frozen=True):
    """A google.rpc.Status, read."""

    detail: ErrorDetail = ErrorDetail()
    status: str = ""
    code: int = 0
    reason: str = ""
    retry_after_s: float | None = None

    def http_status(self, received: int) -> int:
        """Return the status that says whose matter it is.

        Google refuses a wrong key, an unpaid account or a forbidden region with 400.
        """
        if self.reason.startswith("API_KEY_"):
            return _REFUSES_KEY
        if self.status == "FAILED_PRECONDITION":
            return _REFUSES_ACCOUNT
        return _UNAVAILABLE if received == _CANCELLED else received


def read_body(body: bytes, secret: str | None) -> GoogleError:
    """Read the body of an HTTP error; one that is no error object says nothing fit to pass."""
    try:
        decoded = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return GoogleError()
    if isinstance(decoded, list) and decoded:  # a refused stream answers with a list of one
        decoded = decoded[0]
    return _read(decoded.get("error"), secret) if isinstance(decoded, dict) else GoogleError()


def in_band_error(error: Any, secret: str | None) -> UpstreamError:
    """Return the error an event of a stream stands for."""
    read = _read(error, secret)
    received = read.code or _STATUS_BY_CODE.get(read.status)
    failure = in_band(read.detail, None if received is None else read.http_status(received))
    failure.retry_after_s = read.retry_after_s
    return failure


def _read(error: Any, secret: str | None) -> GoogleError:
    if not isinstance(error, dict):
        return GoogleError()
    message, status, code = error.get("message"), error.get("status"), error.get("code")
    text = scrubbed(message, secret) if isinstance(message, str) else ""
    name = scrubbed(status, secret) if isinstance(status, str) else ""
    given = error.get("details")
    details = [item for item in given if isinstance(item, dict)] if isinstance(given, list) else []
    return GoogleError(
        detail=ErrorDetail(message=text, code=name or None),
        status=name,
        code=code if type(code) is int else 0,
        reason=_reason(details),
        retry_after_s=_retry_after_s(details),
    )


def _reason(details: list[dict[str, Any]]) -> str:
    for item in details:
        if str(item.get("@type")).endswith("google.rpc.ErrorInfo"):
            return str(item.get("reason") or "")
    return ""


def _retry_after_s(details: list[dict[str, Any]]) -> float | None:
    """Read RetryInfo: a duration such as `34.07s`."""
    for item in details:
        if str(item.get("@type")).endswith("google.rpc.RetryInfo"):
            try:
                wait_s = float(str(item.get("retryDelay")).removesuffix("s"))
            except ValueError:
                return None
            return wait_s if 0 <= wait_s < float("inf") else None
    return None
