"""The text of an answer, from the bytes a caller got: for those who judge answers or keep them."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

_decode = msgspec.json.Decoder().decode
_DATA: Final = b"data:"
_DONE: Final = b"[DONE]"


class NoText(Exception):
    """An answer that is no text: tool calls, a refusal, vectors, or one that broke off."""


def answer_text(surface: str, answer: bytes, *, frames: bool) -> str:
    """Return what a model said: the first choice's text.

    `surface` is the name its ledger and captures carry; `frames` says that it is a stream's events.

    Raises:
        NoText: it said nothing in words, or not to the end.
    """
    if not answer:
        raise NoText("nothing came")
    try:
        said = _of_events(surface, answer) if frames else _of_body(surface, _decode(answer))
    except (msgspec.DecodeError, KeyError, IndexError, TypeError, AttributeError):
        raise NoText("can't be read") from None
    if not said:
        raise NoText("said nothing in words")
    return said


def _of_body(surface: str, body: Any) -> str:
    if surface == "chat_completions":
        message = body["choices"][0]["message"]
        _require_no_tools(message.get("tool_calls"))
        return message.get("content") or ""
    if surface == "completions":
        return str(body["choices"][0]["text"])
    if surface == "messages":
        blocks = body["content"]
        _require_no_tools([one for one in blocks if one["type"] == "tool_use"])
        return "".join(one["text"] for one in blocks if one["type"] == "text")
    if surface == "responses":
        return _of_response(body)
    raise NoText("has no words")


def _of_response(body: Any) -> str:
    _require_no_tools([one for one in body["output"] if one["type"].endswith("_call")])
    messages = (one["content"] for one in body["output"] if one["type"] == "message")
    parts = (part for content in messages for part in content)
    return "".join(part["text"] for part in parts if part["type"] == "output_text")


def _of_events(surface: str, frames: bytes) -> str:
    if surface in {"chat_completions", "completions"}:
        return _of_chunks(frames)
    if surface == "messages":
        return _of_message_events(frames)
    if surface == "responses":
        for event in _events(frames):
            if event["type"] in {"response.completed", "response.incomplete"}:
                return _of_response(event["response"])
    raise NoText("broke off")


def _of_chunks(frames: bytes) -> str:
    texts, ended = [], False
    for chunk in _events(frames):
        for choice in chunk.get("choices") or ():
            if choice.get("index"):
                continue
            delta = choice.get("delta") or {}
            _require_no_tools(delta.get("tool_calls"))
            texts.append(delta.get("content") or choice.get("text") or "")
            ended = ended or bool(choice.get("finish_reason"))
    if not ended:
        raise NoText("broke off")
    return "".join(texts)


def _of_message_events(frames: bytes) -> str:
    texts, ended = [], False
    for event in _events(frames):
        if event["type"] == "content_block_start":
            block = event["content_block"]
            _require_no_tools([block] if block["type"] == "tool_use" else None)
            texts.append(block.get("text") or "")
        elif event["type"] == "content_block_delta":
            texts.append(event["delta"].get("text") or "")
        ended = ended or event["type"] == "message_stop"
    if not ended:
        raise NoText("broke off")
    return "".join(texts)


def _events(frames: bytes) -> Iterator[Any]:
    for line in frames.splitlines():
        if line.startswith(_DATA):
            data = line[len(_DATA) :].strip()
            if data and data != _DONE:
                yield _decode(data)


def _require_no_tools(calls: Any) -> None:
    if calls:
        raise NoText("calls tools")
