"""One shape for every error of the control API."""

from typing import Final

import msgspec

from legato.core.errors import LegatoError

_REMEDIES: Final = {
    "invalid_request": "Correct what the message names.",
    "invalid_api_key": "Send a key in force as 'authorization: Bearer …'.",
    "sign_in_refused": "Sign in again; after too many failures, wait as the answer says.",
    "identity_provider_failed": "Try again; an operator looks at accounts.oidc and the provider.",
    "foreign_page": "Send it from this server's own page, with the header x-legato-csrf.",
    "rate_limit_exceeded": "Wait as long as 'retry-after' says.",
    "forbidden": "Ask an administrator for a key with this permission.",
    "not_found": "Check the path and the id; what belongs to others is not shown.",
    "method_not_allowed": "Read in /api/openapi.json what this path takes.",
    "conflict": "Look at what is there, or take another name or idempotency key.",
    "erased": "Nothing brings it back; look at what was made later.",
    "precondition_failed": "Read it again, and send the ETag of that answer.",
    "precondition_required": "Send 'If-Match' with the ETag of the answer you read.",
    "request_too_large": "Send less.",
    "storage_unavailable": "Try again when the database is back.",
    "control_unavailable": "Try again shortly.",
}
_REPORT: Final = "Report it with the request id."
JSON: Final = (b"content-type", b"application/json")
REQUEST_ID: Final = b"x-legato-request-id"


class ControlUnavailable(LegatoError):
    """The process of the control API doesn't answer; the supervisor starts it again."""

    code = "control_unavailable"
    http_status = 503
    retryable = True


class ErrorDetail(msgspec.Struct, frozen=True, kw_only=True):
    """What went wrong, where, and what to do about it."""

    code: str
    message: str
    field: str | None
    remedy: str
    request_id: str


class ErrorBody(msgspec.Struct, frozen=True):
    """The body of every answer that is no success."""

    error: ErrorDetail


def error_body(error: LegatoError, request_id: str) -> ErrorBody:
    """Return an error as callers get it."""
    return ErrorBody(
        ErrorDetail(
            code=error.code,
            message=error.message,
            field=error.param,
            remedy=_REMEDIES.get(error.code, _REPORT),
            request_id=request_id,
        )
    )
