from __future__ import annotations

import pytest

from legato.core.clock import ManualClock
from legato.core.errors import (
    ProviderRateLimited,
    ProviderRefusesCredentials,
    ProviderRejected,
    ProviderTimeout,
    ProviderUnavailable,
    UpstreamError,
)
from legato.providers.bedrock.errors import error_event, read_failure
from legato.providers.bedrock.event_stream import Event

SECRET = "a-secret-of-ours"


def failure(status: int, kind: str, body: bytes = b'{"message":"why"}') -> UpstreamError:
    headers = [(b"X-Amzn-ErrorType", kind.encode())] if kind else []
    return read_failure(status, headers, body, secrets=(SECRET,), clock=ManualClock())


@pytest.mark.parametrize(
    ("status", "kind", "expected"),
    [
        (429, "ThrottlingException", ProviderRateLimited),
        (429, "ModelNotReadyException", ProviderUnavailable),
        (400, "ServiceQuotaExceededException", ProviderRateLimited),
        (400, "ValidationException:http://internal/", ProviderRejected),
        (400, "ExpiredTokenException", ProviderRefusesCredentials),
        (403, "AccessDeniedException", ProviderRefusesCredentials),
        (404, "ResourceNotFoundException", ProviderRejected),
        (408, "ModelTimeoutException", ProviderTimeout),
        (424, "ModelErrorException", ProviderUnavailable),
        (503, "", ProviderUnavailable),
    ],
)
def test_a_type_says_more_than_its_status(
    status: int, kind: str, expected: type[UpstreamError]
) -> None:
    assert type(failure(status, kind)) is expected


def test_a_type_may_stand_in_the_body() -> None:
    body = b'{"__type":"com.amazon.coral#ThrottlingException","Message":"slow"}'
    error = failure(400, "", body)
    assert isinstance(error, ProviderRateLimited)
    assert error.message.endswith("slow")


def test_no_secret_is_told() -> None:
    said = f'{{"message":"bad {SECRET}"}}'.encode()
    assert SECRET not in failure(400, "ValidationException", said).message


@pytest.mark.parametrize(
    ("kind", "payload", "expected"),
    [
        ("throttlingException", b"{}", ProviderRateLimited),
        ("modelStreamErrorException", b'{"originalStatusCode":429}', ProviderRateLimited),
        ("modelStreamErrorException", b"{}", ProviderUnavailable),
        ("validationException", b'{"message":"no"}', ProviderRejected),
        ("somethingNewException", b"not json", ProviderUnavailable),
    ],
)
def test_exceptions_in_a_stream(kind: str, payload: bytes, expected: type[UpstreamError]) -> None:
    headers = {":message-type": "exception", ":exception-type": kind}
    assert type(error_event(Event(headers, payload), ())) is expected


def test_errors_that_were_not_modelled() -> None:
    headers = {":message-type": "error", ":error-code": "X", ":error-message": f"at {SECRET}"}
    error = error_event(Event(headers, b""), (SECRET,))
    assert isinstance(error, ProviderUnavailable)
    assert SECRET not in error.message
    assert error_event(Event({":message-type": "event"}, b"{}"), ()) is None
