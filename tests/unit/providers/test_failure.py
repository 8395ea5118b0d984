import pytest

from legato.core.clock import ManualClock
from legato.core.errors import (
    BadProviderResponse,
    ProviderRateLimited,
    ProviderRefusesCredentials,
    ProviderRejected,
    ProviderTimeout,
    ProviderUnavailable,
    UpstreamError,
)
from legato.providers.failure import (
    MESSAGE_BYTES_MAX,
    ErrorDetail,
    classify,
    retry_after,
    scrubbed,
)

CLOCK = ManualClock(1_700_000_000 * 10**9)  # Tue, 14 Nov 2023 22:13:20 GMT


def failure(
    status: int, headers: dict[bytes, bytes] | None = None, detail: ErrorDetail | None = None
) -> UpstreamError:
    return classify(status, headers or {}, detail or ErrorDetail(), clock=CLOCK)


@pytest.mark.parametrize(
    ("status", "kind", "retryable", "fails_over"),
    [
        (400, ProviderRejected, False, False),
        (401, ProviderRefusesCredentials, False, True),
        (402, ProviderRefusesCredentials, False, True),
        (403, ProviderRefusesCredentials, False, True),
        (404, ProviderRejected, False, False),
        (408, ProviderTimeout, True, True),
        (409, ProviderUnavailable, True, True),
        (413, ProviderRejected, False, False),
        (418, BadProviderResponse, False, True),
        (422, ProviderRejected, False, False),
        (429, ProviderRateLimited, True, True),
        (500, ProviderUnavailable, True, True),
        (503, ProviderUnavailable, True, True),
        (504, ProviderTimeout, True, True),
        (529, ProviderUnavailable, True, True),
    ],
)
def test_class_by_status(
    status: int, kind: type[UpstreamError], *, retryable: bool, fails_over: bool
) -> None:
    error = failure(status)
    assert type(error) is kind
    assert (error.retryable, error.fails_over) == (retryable, fails_over)


def test_rejection_keeps_the_status_and_what_the_provider_said() -> None:
    detail = ErrorDetail("too long", "invalid_request_error", "context_length_exceeded", "messages")
    error = failure(400, detail=detail)
    assert (error.message, error.param) == ("too long", "messages")
    assert (error.wire_type, error.wire_code) == (detail.type, detail.code)
    assert failure(422).http_status == 422


def test_refused_credentials_are_not_the_callers_and_say_nothing_of_the_account() -> None:
    error = failure(401, detail=ErrorDetail("Incorrect API key provided: sk-...abcd"))
    assert error.http_status == 502
    assert "abcd" not in error.message


def test_x_should_retry_is_honoured_but_not_for_credentials() -> None:
    assert not failure(503, {b"x-should-retry": b"false"}).retryable
    assert failure(400, {b"x-should-retry": b"true"}).retryable
    assert not failure(401, {b"x-should-retry": b"true"}).retryable


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({b"retry-after-ms": b"1500", b"retry-after": b"9"}, 1.5),
        ({b"retry-after": b"2.5"}, 2.5),
        ({b"retry-after": b"Tue, 14 Nov 2023 22:13:50 GMT"}, 30.0),
        ({b"retry-after": b"Tue, 14 Nov 2023 22:13:00 GMT"}, 0.0),
        (
            {
                b"retry-after": b"Wed, 15 Nov 2023 00:00:10 GMT",
                b"date": b"Wed, 15 Nov 2023 00:00:00 GMT",
            },
            10.0,
        ),
        ({b"retry-after": b"soon"}, None),
        ({b"retry-after": b"-5"}, None),
        ({b"retry-after": b"nan"}, None),
        ({}, None),
    ],
)
def test_retry_after(headers: dict[bytes, bytes], seconds: float | None) -> None:
    assert retry_after(headers, CLOCK) == seconds


def test_messages_lose_our_key_and_are_bounded() -> None:
    assert scrubbed("bad key sk-1234 here", "sk-1234") == "bad key [key] here"
    assert len(scrubbed("é" * 5000, None).encode()) <= MESSAGE_BYTES_MAX
