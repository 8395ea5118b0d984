"""What every answer carries besides its body."""

from typing import TYPE_CHECKING

from legato.core.errors import LegatoError
from legato.core.money import exact_usd

if TYPE_CHECKING:
    from legato.gateway.context import Call, Headers
    from legato.gateway.directory import Deployment

_JSON = (b"content-type", b"application/json")
_NO_CACHE = (b"cache-control", b"no-cache")


def reply_headers(
    call: "Call", *, stream: bool, content_type: bytes, deployment: "Deployment | None" = None
) -> "Headers":
    """Return the headers of a good answer; what a running stream costs isn't known yet.

    `deployment` gives a stream that isn't whole yet.
    """
    headers = identity_headers(call, deployment)
    headers.append((b"x-legato-cache", call.cache.encode()))
    headers.append((b"content-type", content_type))
    if stream:
        headers.append(_NO_CACHE)
    if call.cost is not None and (not stream or call.cache == "hit"):
        headers.append((b"x-legato-cost-usd", exact_usd(call.cost).encode()))
    return headers


def error_headers(call: "Call", error: LegatoError) -> "Headers":
    """Return the headers of an error: what failed attempts cost is told, too."""
    headers = identity_headers(call)
    headers.append(_JSON)
    if call.cost is not None:
        headers.append((b"x-legato-cost-usd", exact_usd(call.cost).encode()))
    headers += retry_headers(error)
    return headers


def retry_headers(error: LegatoError) -> "Headers":
    """Return whether, and if known when, the same request may succeed later."""
    headers: Headers = []
    after_s = error.retry_after_s
    if after_s is not None:
        headers.append((b"retry-after", b"%d" % -(-after_s // 1)))
        headers.append((b"retry-after-ms", b"%d" % (after_s * 1000)))
    if error.http_status == _TOO_MANY or error.http_status >= _SERVER_ERROR:
        headers.append((b"x-should-retry", b"true" if error.retryable else b"false"))
    return headers


_TOO_MANY = 429
_SERVER_ERROR = 500


def identity_headers(call: "Call", deployment: "Deployment | None" = None) -> "Headers":
    """Return under which id the request is found, and what it was made of."""
    request_id = call.request_id.encode()
    headers = [(b"x-request-id", request_id), (b"x-legato-request-id", request_id)]
    if versions := call.versions_with(deployment or call.deployment):
        headers.append((b"x-legato-versions", versions.encode()))
    return headers
