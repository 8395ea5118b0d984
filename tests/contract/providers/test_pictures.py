"""Pictures that a model answers with: told to callers, sent back to who can take them."""

from __future__ import annotations

import base64
import sys
from pathlib import Path
from typing import Any

import msgspec
import openai.types.responses
import pytest

sys.path.append(str(Path(__file__).parent))
from matrix import CALLERS, PROVIDERS, body_of
from matrix_readers import frames_of

from legato.core.errors import BadProviderResponse, InvalidRequest
from legato.core.wire import RequestView
from legato.gateway.translate import TranslatingReader, translated_answer
from legato.providers.base import Target

PNG = base64.b64encode(b"\x89PNG....").decode()
DATA_URL = f"data:image/png;base64,{PNG}"
BLOB = {"inlineData": {"mimeType": "image/png", "data": PNG}}
SHOWN = {"type": "image_url", "image_url": {"url": DATA_URL}}
ASKED = {"role": "user", "content": "Paint the sky."}
VIEW = RequestView("m", stream=True, wants_stream_usage=True)


def answered(provider: str, *, blob: Any = BLOB) -> tuple[bytes, bytes]:
    """A text and a picture, whole and as a stream."""
    if provider == "gemini":
        content = {"role": "model", "parts": [{"text": "Here."}, blob]}
        whole: Any = {"candidates": [{"content": content, "finishReason": "STOP"}]}
        whole["usageMetadata"] = {"promptTokenCount": 3, "candidatesTokenCount": 5}
        return msgspec.json.encode(whole), b"data: " + msgspec.json.encode(whole) + b"\r\n\r\n"
    message = {"role": "assistant", "content": "Here.", "images": [SHOWN]}
    head = {"id": "c", "created": 1, "model": "m"}
    whole = head | {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    chunk = head | {"choices": [{"index": 0, "delta": message, "finish_reason": "stop"}]}
    stream = b"data: " + msgspec.json.encode(chunk) + b"\n\ndata: [DONE]\n\n"
    return msgspec.json.encode(whole), stream


def streamed(caller: str, provider: str, stream: bytes) -> list[Any]:
    reader = TranslatingReader(PROVIDERS[provider].open().decoder(), CALLERS[caller].encoder(VIEW))
    frames = frames_of(reader.feed(stream) + reader.close())
    assert reader.finished
    assert reader.started
    return frames


def told(caller: str, provider: str) -> Any:
    whole, _ = answered(provider)
    asked = PROVIDERS[provider].open()
    return msgspec.json.decode(translated_answer(CALLERS[caller], {}, asked, whole, model="m"))


@pytest.mark.parametrize("provider", ["gemini", "openai"])
def test_chat_has_a_picture_beside_the_text(provider: str) -> None:
    message = told("chat", provider)["choices"][0]["message"]
    wanted = [SHOWN | {"index": 0}]
    assert (message["content"], message["images"]) == ("Here.", wanted)
    _, stream = answered(provider)
    choices = [one for frame in streamed("chat", provider, stream) for one in frame["choices"]]
    assert [i for one in choices for i in one["delta"].get("images", ())] == wanted
    assert "".join(one["delta"].get("content") or "" for one in choices) == "Here."


@pytest.mark.parametrize("provider", ["gemini", "openai"])
def test_responses_have_a_picture_as_an_item(provider: str) -> None:
    body = told("responses", provider)
    openai.types.responses.Response.model_validate(body)
    text, picture = body["output"]
    assert text["content"][0]["text"] == "Here."
    assert (picture["type"], picture["result"]) == ("image_generation_call", PNG)
    assert (picture["status"], picture["output_format"]) == ("completed", "png")
    _, stream = answered(provider)
    events = streamed("responses", provider, stream)
    assert events[-1]["response"]["output"][1]["result"] == PNG
    assert "response.image_generation_call.completed" in [event["type"] for event in events]


def test_messages_have_no_place_for_one_and_say_so() -> None:
    whole, stream = answered("gemini")
    asked = PROVIDERS["gemini"].open()
    with pytest.raises(BadProviderResponse, match="answered with a picture"):
        translated_answer(CALLERS["messages"], {}, asked, whole, model="m")
    with pytest.raises(BadProviderResponse, match="answered with a picture"):
        streamed("messages", "gemini", stream)


def test_sound_is_an_error_that_says_so() -> None:
    blob = {"inlineData": {"mimeType": "audio/L16;rate=24000", "data": "AAAA"}}
    whole, _ = answered("gemini", blob=blob)
    with pytest.raises(BadProviderResponse, match="answered with audio"):
        PROVIDERS["gemini"].open().to_chat(whole)


def test_a_picture_of_the_thoughts_is_left_out() -> None:
    whole, _ = answered("gemini", blob=BLOB | {"thought": True})
    (said,) = PROVIDERS["gemini"].open().to_chat(whole).choices[0].parts
    assert said.text == "Here."


def again(caller: str) -> dict[str, Any]:
    """The conversation goes on, what was answered sent back as it came."""
    body = told(caller, "gemini")
    turn = body["output"] if caller == "responses" else [body["choices"][0]["message"]]
    field = "input" if caller == "responses" else "messages"
    return body_of(caller, {field: [ASKED, *turn, ASKED]}, stream=False)


def written(caller: str, provider: str, *, drop: bool = False) -> Any:
    asked = PROVIDERS[provider]
    chat = CALLERS[caller].to_chat(again(caller), drop_unsupported=drop)
    wire = msgspec.json.decode(asked.open().request_from_chat(chat, Target(asked.model)).body)
    asked.judge(wire)
    return wire


@pytest.mark.parametrize("caller", ["chat", "responses"])
def test_it_goes_back_to_gemini(caller: str) -> None:
    said, picture = written(caller, "gemini")["contents"][1]["parts"]
    assert (said, picture["inlineData"]) == ({"text": "Here."}, BLOB["inlineData"])


@pytest.mark.parametrize("caller", ["chat", "responses"])
@pytest.mark.parametrize("provider", ["openai", "anthropic", "converse", "cohere"])
def test_others_refuse_it_by_name_or_drop_it(caller: str, provider: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        written(caller, provider)
    assert refused.value.param == "messages.1"
    wire = msgspec.json.encode(written(caller, provider, drop=True))
    assert (b"Here." in wire, PNG.encode() in wire) == (True, False)
