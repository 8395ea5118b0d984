from typing import Any

import msgspec
import pytest

from legato.api.openai.errors import error_body, error_frame
from legato.core.errors import (
    Forbidden,
    InvalidRequest,
    LegatoError,
    NotFound,
    ProviderRejected,
    ProviderUnavailable,
    RateLimited,
    Unauthenticated,
)


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (InvalidRequest("m", param="n"), "invalid_request_error", "invalid_request"),
        (Unauthenticated("m"), "authentication_error", "invalid_api_key"),
        (Forbidden("m"), "permission_error", "forbidden"),
        (NotFound("m"), "not_found_error", "not_found"),
        (RateLimited("m"), "rate_limit_error", "rate_limit_exceeded"),
        (ProviderUnavailable("m"), "server_error", "provider_unavailable"),
    ],
)
def test_error_is_an_object(error: LegatoError, kind: str, code: str) -> None:
    body: dict[str, Any] = msgspec.json.decode(error_body(error))
    assert body == {"error": {"message": "m", "type": kind, "param": error.param, "code": code}}


def test_providers_own_type_and_code_are_kept() -> None:
    error = ProviderRejected("too long", param="messages")
    error.wire_type, error.wire_code = "invalid_request_error", "context_length_exceeded"
    assert b'"code":"context_length_exceeded"' in error_body(error)


def test_in_band_error_has_no_done() -> None:
    frame = error_frame(ProviderUnavailable("gone"))
    assert frame.startswith(b'data: {"error":{')
    assert frame.endswith(b"\n\n")
    assert b"[DONE]" not in frame
