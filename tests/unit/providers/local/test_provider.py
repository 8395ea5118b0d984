import msgspec
import pytest

from legato.core.chat import ChatRequest, Image, Message, Role, Text, Tool
from legato.core.config import Provider
from legato.core.errors import InvalidRequest
from legato.core.wire import Operation, RequestView
from legato.providers.base import ProviderSettings, Target
from legato.providers.local.provider import factory

PROVIDER = factory(
    ProviderSettings(
        Provider(name="here", kind="local", settings={"model": "smollm2-135m"}),
        "http://127.0.0.1:1/v1",
        "key",
    )
)
HELLO = Message(Role.USER, (Text("hello"),))


def test_a_tool_is_refused_whichever_dialect_asks() -> None:
    body = {
        "model": "chat",
        "messages": [{"role": "user", "content": "hello"}],
        "tools": [{"type": "function", "function": {"name": "f"}}],
    }
    with pytest.raises(InvalidRequest, match="tools"):
        PROVIDER.request(Operation.CHAT, body, RequestView("chat"), Target("m"))
    with pytest.raises(InvalidRequest, match="tools"):
        PROVIDER.request_from_chat(ChatRequest((HELLO,), tools=(Tool("f"),)), Target("m"))


def test_an_image_is_refused_in_a_translated_request() -> None:
    seen = Message(Role.USER, (Image(url="https://example.org/cat.png"),))
    with pytest.raises(InvalidRequest, match="content part"):
        PROVIDER.request_from_chat(ChatRequest((seen,)), Target("m"))


def test_a_plain_chat_is_written_for_the_model() -> None:
    request = PROVIDER.request_from_chat(ChatRequest((HELLO,)), Target("m"))
    assert msgspec.json.decode(request.body)["model"] == "m"
    assert not PROVIDER.supports(Operation.EMBEDDINGS)
