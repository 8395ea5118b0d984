from typing import Any

import msgspec
import pytest

from legato.core.errors import InvalidRequest
from legato.providers.local.catalogue import Capabilities
from legato.providers.local.wire import check_request, normalise_error

TEXT_ONLY = Capabilities()
HELLO = [{"role": "user", "content": "hello"}]
TOOL = {"type": "function", "function": {"name": "f"}}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}


@pytest.mark.parametrize(
    ("extra", "param"),
    [
        ({"n": 2}, "n"),
        ({"tools": [TOOL]}, "tools"),
        ({"functions": [{"name": "f"}]}, "functions"),
        ({"grammar": "root ::= x"}, "grammar"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_completion_tokens": -1}, "max_completion_tokens"),
        ({"messages": []}, "messages"),
        ({"messages": "hello"}, "messages"),
        ({"messages": [*HELLO, {"content": "x"}]}, "messages[1].role"),
        ({"messages": [{"role": "user", "content": [IMAGE]}]}, "messages[0].content"),
    ],
)
def test_what_the_child_would_miscount_or_ignore_is_refused(
    extra: dict[str, Any], param: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        check_request({"messages": HELLO, **extra}, TEXT_ONLY)
    assert refused.value.param == param


@pytest.mark.parametrize(
    "extra",
    [
        {},
        {"n": 1, "max_tokens": 1, "tools": [], "stream": True},
        {"n": None, "max_tokens": None},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]},
        {"messages": [{"role": "assistant", "content": None}]},
    ],
)
def test_an_ordinary_request_passes(extra: dict[str, Any]) -> None:
    check_request({"messages": HELLO, **extra}, TEXT_ONLY)


def test_capabilities_open_what_they_name() -> None:
    able = Capabilities(tools=True, vision=True)
    image = [{"role": "user", "content": [IMAGE]}]
    check_request({"messages": image, "tools": [TOOL]}, able)


def _body(code: int, kind: str, message: str) -> bytes:
    return msgspec.json.encode({"error": {"code": code, "type": kind, "message": message}})


def test_context_overflow_gets_openais_code() -> None:
    said = "request (3031 tokens) exceeds the available context size (2048 tokens)"
    error = normalise_error(400, _body(400, "exceed_context_size_error", said))
    assert (error.status, error.code) == (400, "context_length_exceeded")
    assert msgspec.json.decode(error.body()) == {
        "error": {
            "message": said,
            "type": "invalid_request_error",
            "param": None,
            "code": "context_length_exceeded",
        }
    }


@pytest.mark.parametrize(
    "message",
    [
        'Failed to parse messages: Missing \'role\' in message: {"content":"SECRET\\nSECRET"}',
        "parse error at line 1: ill-formed UTF-8 byte; last read: '\"SECRET ?'",
    ],
)
def test_the_conversation_is_not_quoted(message: str) -> None:
    error = normalise_error(500, _body(500, "server_error", message))
    assert "SECRET" not in error.message


def test_a_callers_fault_is_no_server_error() -> None:
    message = "image input is not supported - hint: if this is unexpected, provide the mmproj"
    error = normalise_error(500, _body(500, "server_error", message))
    assert (error.status, error.type) == (400, "invalid_request_error")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"error":"text"}', b'{"error":{}}'])
def test_an_unreadable_error_keeps_its_status(body: bytes) -> None:
    error = normalise_error(503, body)
    assert (error.status, error.type) == (503, "server_error")
