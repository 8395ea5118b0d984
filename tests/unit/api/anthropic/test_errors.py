import msgspec
import pytest

from legato.api.anthropic.errors import error_body, error_frame
from legato.core.errors import (
    BudgetExceeded,
    InvalidRequest,
    LegatoError,
    ProviderRejected,
    ProviderTimeout,
    ProviderUnavailable,
    TooLarge,
    Unauthenticated,
)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (InvalidRequest("m"), "invalid_request_error"),
        (Unauthenticated("m"), "authentication_error"),
        (TooLarge("m"), "request_too_large"),
        (BudgetExceeded("m"), "rate_limit_error"),
        (ProviderUnavailable("m"), "overloaded_error"),
        (ProviderTimeout("m"), "timeout_error"),
        (LegatoError("m"), "api_error"),
    ],
)
def test_error_has_anthropics_shape(error: LegatoError, kind: str) -> None:
    assert msgspec.json.decode(error_body(error, "r1")) == {
        "type": "error",
        "error": {"type": kind, "message": "m"},
        "request_id": "r1",
    }


def test_foreign_error_types_are_translated() -> None:
    error = ProviderRejected("m")
    error.wire_type = "some_vendor_error"
    assert b'"invalid_request_error"' in error_body(error, "r1")


def test_in_band_error_is_an_event() -> None:
    frame = error_frame(ProviderUnavailable("gone"), "r1")
    assert frame.startswith(b'event: error\ndata: {"type":"error"')
    assert frame.endswith(b"\n\n")
