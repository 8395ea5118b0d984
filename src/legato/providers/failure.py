"""What a provider's HTTP error means: its class, whether to try again, and when."""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import msgspec

from legato.core.clock import Clock
from legato.core.errors import (
    BadProviderResponse,
    ProviderRateLimited,
    ProviderRefusesCredentials,
    ProviderRejected,
    ProviderTimeout,
    ProviderUnavailable,
    UpstreamError,
)

MESSAGE_BYTES_MAX = 2048
_RETRY_AFTER_S_MAX = 86_400.0
_SECRET_LENGTH_MIN = 4  # a shorter "key" would blank out ordinary words

# The caller's own fault, told to the caller as the provider told it.
_REJECTED = frozenset({400, 404, 413, 422})
# Our account with the provider: another deployment may do, another try may not.
_REFUSED = frozenset({401, 402, 403})
_TIMED_OUT = frozenset({408, 504})
_SERVER_ERROR = 500


class ErrorDetail(msgspec.Struct, frozen=True):
    """What a dialect could read of an error body."""

    message: str = ""
    type: str | None = None
    code: str | None = None
    param: str | None = None


def classify(
    status: int, headers: Mapping[bytes, bytes], detail: ErrorDetail, *, clock: Clock
) -> UpstreamError:
    """Return the error for an HTTP answer that is not a success.

    `headers` have lower-case names. `detail.message` is scrubbed and bounded already.
    """
    retry_after_s = retry_after(headers, clock)
    error = _by_status(status, detail, retry_after_s)
    wish = headers.get(b"x-should-retry", b"").strip().lower()
    if wish in {b"true", b"false"} and status not in _REFUSED:
        error.retryable = wish == b"true"
    return error


def _by_status(status: int, detail: ErrorDetail, retry_after_s: float | None) -> UpstreamError:
    said = f": {detail.message}" if detail.message else ""
    if status in _REJECTED:
        error: UpstreamError = ProviderRejected(
            detail.message or f"the provider refused the request with status {status}",
            param=detail.param,
        )
        error.http_status = status
        error.wire_type, error.wire_code = detail.type, detail.code
        return error
    if status in _REFUSED:
        # What it said may name the account or part of the key: for operators, not for callers.
        return ProviderRefusesCredentials(
            f"the provider refuses the gateway's credentials (status {status})"
        )
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return ProviderRateLimited(
            f"the provider is rate limiting{said}", retry_after_s=retry_after_s
        )
    if status in _TIMED_OUT:
        return ProviderTimeout(
            f"the provider timed out (status {status}){said}", retry_after_s=retry_after_s
        )
    if status >= _SERVER_ERROR or status == HTTPStatus.CONFLICT:
        return ProviderUnavailable(
            f"the provider failed with status {status}{said}", retry_after_s=retry_after_s
        )
    error = BadProviderResponse(f"the provider answered with unexpected status {status}{said}")
    error.retryable = False
    return error


def retry_after(headers: Mapping[bytes, bytes], clock: Clock) -> float | None:
    """Return the seconds to wait: `retry-after-ms`, else `retry-after` in seconds or as a date.

    A date is measured against the answer's own `date`, since the two machines' clocks differ.
    """
    wait_ms = _number(headers.get(b"retry-after-ms"))
    if wait_ms is not None:
        return min(wait_ms / 1000, _RETRY_AFTER_S_MAX)
    text = headers.get(b"retry-after")
    wait_s = _number(text)
    if wait_s is not None:
        return min(wait_s, _RETRY_AFTER_S_MAX)
    until_s = _http_date(text)
    if until_s is None:
        return None
    now_s = _http_date(headers.get(b"date"))
    if now_s is None:
        now_s = clock.now_ns() / 1e9
    return min(max(0.0, until_s - now_s), _RETRY_AFTER_S_MAX)


def scrubbed(message: str, secret: str | None) -> str:
    """Return a provider's message without our key in it, at most MESSAGE_BYTES_MAX long."""
    if secret and len(secret) >= _SECRET_LENGTH_MIN:
        message = message.replace(secret, "[key]")
    encoded = message.encode("utf-8", "replace")
    return encoded[:MESSAGE_BYTES_MAX].decode("utf-8", "ignore")


def in_band(detail: ErrorDetail, status: int | None) -> UpstreamError:
    """Return the error an event in a running stream stands for; without a status: unavailable."""
    if status is None or not HTTPStatus.BAD_REQUEST <= status <= 599:  # noqa: PLR2004 -- HTTP
        status = HTTPStatus.SERVICE_UNAVAILABLE
    return _by_status(int(status), detail, None)


def _number(text: bytes | None) -> float | None:
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value < float("inf") else None


def _http_date(text: bytes | None) -> float | None:
    if text is None:
        return None
    try:
        return parsedate_to_datetime(text.decode("ascii", "replace")).timestamp()
    except (ValueError, OverflowError):
        return None
