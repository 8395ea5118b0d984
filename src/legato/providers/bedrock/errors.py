"""Bedrock's errors: a type in a header or an event, a message in the body."""

from collections.abc import Mapping
from typing import Any

import msgspec

from legato.core.clock import Clock
from legato.core.errors import UpstreamError
from legato.providers.bedrock.event_stream import Event
from legato.providers.failure import ErrorDetail, classify, in_band, scrubbed

# What a type means, where that isn't what its HTTP status says; events in a stream have none.
# Names differ in the case of their first letter between headers and events.
_STATUS_BY_TYPE = {
    "validationexception": 400,
    "accessdeniedexception": 403,
    "unrecognizedclientexception": 403,
    "invalidsignatureexception": 403,
    "incompletesignatureexception": 403,
    "missingauthenticationtokenexception": 403,
    "expiredtokenexception": 403,
    "expiredtoken": 403,
    "resourcenotfoundexception": 404,
    "throttlingexception": 429,
    "servicequotaexceededexception": 429,  # 400 on the wire, though it passes
    "modelnotreadyexception": 503,  # 429 on the wire, but it is the model that is late
    "modeltimeoutexception": 504,
    "modelerrorexception": 500,
    "modelstreamerrorexception": 500,
    "internalserverexception": 500,
    "serviceunavailableexception": 503,
}


def read_failure(
    status: int,
    headers: list[tuple[bytes, bytes]],
    body: bytes,
    *,
    secrets: tuple[str, ...],
    clock: Clock,
) -> UpstreamError:
    """Classify an HTTP error answer."""
    lower = {name.lower(): value for name, value in headers}
    decoded = _decoded(body)
    kind = _kind(lower, decoded)
    detail = _detail(decoded, kind, secrets)
    return classify(_STATUS_BY_TYPE.get(kind.lower(), status), lower, detail, clock=clock)


def error_event(event: Event, secrets: tuple[str, ...]) -> UpstreamError | None:
    """Return the error that a message of a stream stands for, None for an ordinary one."""
    message_type = event.headers.get(":message-type", "event")
    if message_type == "event":
        return None
    if message_type == "error":
        kind = event.headers.get(":error-code", "")
        decoded: dict[str, Any] = {"message": event.headers.get(":error-message", "")}
    else:
        kind = event.headers.get(":exception-type", "")
        decoded = _decoded(event.payload)
    status = _STATUS_BY_TYPE.get(kind.lower())
    original = decoded.get("originalStatusCode")
    if kind.lower() == "modelstreamerrorexception" and original == 429:  # noqa: PLR2004 - HTTP
        status = 429
    return in_band(_detail(decoded, kind, secrets), status)


def _decoded(body: bytes) -> dict[str, Any]:
    try:
        decoded = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return {}
    return decoded if isinstance(decoded, dict) else {}


def _kind(headers: Mapping[bytes, bytes], body: dict[str, Any]) -> str:
    """`ThrottlingException`, or `ThrottlingException:http://…`, or `…#ThrottlingException`."""
    named = headers.get(b"x-amzn-errortype", b"").decode("ascii", "replace")
    if not named and isinstance(body.get("__type"), str):
        named = body["__type"]
    return named.partition(":")[0].rpartition("#")[2].strip()


def _detail(body: dict[str, Any], kind: str, secrets: tuple[str, ...]) -> ErrorDetail:
    message = body.get("message") or body.get("Message") or ""
    message = message if isinstance(message, str) else ""
    for secret in secrets:
        message = scrubbed(message, secret)
        kind = scrubbed(kind, secret)
    return ErrorDetail(message=scrubbed(message, None), code=kind or None)
