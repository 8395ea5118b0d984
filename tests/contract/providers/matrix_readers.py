"""What callers read of an answer, each with its vendor's own types."""

from __future__ import annotations

import json
from typing import Any

import anthropic.types
import msgspec
import openai.types.chat
import openai.types.responses
from matrix_answers import Said


def frames_of(stream: bytes) -> list[Any]:
    return [
        msgspec.json.decode(frame.partition("data: ")[2])
        for frame in stream.decode().replace("\r\n", "\n").split("\n\n")
        if "data: {" in frame
    ]


def whole_chat(body: bytes) -> Said:
    answer = openai.types.chat.ChatCompletion.model_validate_json(body)
    return _chat(answer.model_dump())


def streamed_chat(stream: bytes) -> Said:
    """Put the deltas together as OpenAI's clients do."""
    assert stream.endswith(b"data: [DONE]\n\n")
    messages: dict[int, dict[str, Any]] = {}
    choices: dict[int, dict[str, Any]] = {}
    usage: Any = None
    for chunk in frames_of(stream):
        openai.types.chat.ChatCompletionChunk.model_validate(chunk)
        usage = chunk.get("usage") or usage
        for choice in chunk["choices"]:
            lists = ("tool_calls", "annotations", "reasoning_details")
            message = messages.setdefault(choice["index"], {name: [] for name in lists})
            kept = choices.setdefault(choice["index"], {"message": message, "logprobs": None})
            kept["logprobs"] = choice.get("logprobs") or kept["logprobs"]
            if choice["finish_reason"]:
                assert "finish_reason" not in kept
                kept["finish_reason"] = choice["finish_reason"]
            _add(message, choice["delta"])
    return _chat({"choices": [choices[index] for index in sorted(choices)], "usage": usage})


def _add(message: dict[str, Any], delta: dict[str, Any]) -> None:
    for field in ("content", "refusal", "reasoning_content"):
        if delta.get(field):
            message[field] = message.get(field, "") + delta[field]
    for field in ("annotations", "reasoning_details"):
        message[field] += delta.get(field) or []
    for call in delta.get("tool_calls") or ():
        if call["index"] == len(message["tool_calls"]):
            message["tool_calls"].append(msgspec.json.decode(msgspec.json.encode(call)))
        else:
            function = message["tool_calls"][call["index"]]["function"]
            function["arguments"] += call["function"]["arguments"]


def _chat(answer: dict[str, Any]) -> Said:
    first, *others = answer["choices"]
    message, usage = first["message"], answer["usage"]
    calls = message.get("tool_calls") or []
    cites = [one["url_citation"]["url"] for one in message.get("annotations") or ()]
    details = usage["prompt_tokens_details"]
    sealed = message.get("reasoning_details") or []
    assert [one["index"] for one in sealed] == list(range(len(sealed)))
    thought = message.get("reasoning_content") or ""
    assert all(one.get("text", thought) == thought for one in sealed)
    return Said(
        text=message.get("content") or "",
        thought=thought,
        signature="".join(one.get("signature", "") for one in sealed),
        sealed="".join(one.get("data", "") for one in sealed),
        calls=tuple(
            (one["id"], one["function"]["name"], plain(one["function"]["arguments"]))
            for one in calls
        ),
        call_signature="".join(
            one["extra_content"]["google"]["thought_signature"]
            for one in calls
            if one.get("extra_content")
        ),
        refusal=message.get("refusal") or "",
        stop=first["finish_reason"],
        cached=details["cached_tokens"],
        cache_written=details.get("cache_write_tokens") or 0,
        reasoning_tokens=usage["completion_tokens_details"]["reasoning_tokens"],
        cites="".join(cites),
        scored=bool(first.get("logprobs")),
        second="".join(one["message"]["content"] for one in others),
    )


def whole_response(body: bytes) -> Said:
    openai.types.responses.Response.model_validate_json(body)
    return _response(msgspec.json.decode(body))


def streamed_response(stream: bytes) -> Said:
    """The last event holds the response; what went before must say the same."""
    events = frames_of(stream)
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    final = events[-1]["response"]
    openai.types.responses.Response.model_validate(final)
    told = "".join(e["delta"] for e in events if e["type"] == "response.output_text.delta")
    said = _response(final)
    assert told == said.text
    items = [event["item"] for event in events if event["type"] == "response.output_item.done"]
    assert items == final["output"]
    return said


def _response(body: dict[str, Any]) -> Said:
    said: dict[str, Any] = {"text": "", "refusal": "", "thought": "", "cites": "", "calls": ()}
    for item in body["output"]:
        if item["type"] == "function_call":
            said["calls"] += ((item["call_id"], item["name"], plain(item["arguments"])),)
        elif item["type"] == "reasoning":
            said["thought"] += "".join(part["text"] for part in item.get("content") or ())
            said |= _sealed(item.get("encrypted_content"))
        for part in item["content"] if item["type"] == "message" else ():
            if part["type"] == "refusal":
                said["refusal"] += part["refusal"]
                continue
            said["text"] += part["text"]
            said["cites"] += "".join(one["url"] for one in part["annotations"])
            said["scored"] = bool(part["logprobs"])
    cut = (body["incomplete_details"] or {}).get("reason")
    stop = {"max_output_tokens": "length"}.get(cut, cut)
    assert body["status"] == ("incomplete" if cut else "completed")
    details = body["usage"]["input_tokens_details"]
    return Said(
        stop=stop or ("tool_calls" if said["calls"] else "stop"),
        cached=details["cached_tokens"],
        cache_written=details["cache_write_tokens"],
        reasoning_tokens=body["usage"]["output_tokens_details"]["reasoning_tokens"],
        **said,
    )


def _sealed(text: str | None) -> dict[str, str]:
    """What the vendor wants to see again: opaque to callers, so that it is enough to see it."""
    if not text:
        return {}
    kind = text.removeprefix("legato1.")[0]
    return {{"t": "signature", "r": "sealed", "c": "call_signature"}[kind]: text}


def whole_message(body: bytes) -> Said:
    anthropic.types.Message.model_validate_json(body)
    return _message(msgspec.json.decode(body))


def streamed_message(stream: bytes) -> Said:
    """Put the blocks together as Anthropic's clients do."""
    events = frames_of(stream)
    message = events[0]["message"]
    written = ""
    for event in events:
        if event["type"] == "content_block_start":
            message["content"].append(dict(event["content_block"]))
            written = ""
        elif event["type"] == "content_block_delta":
            block, delta = message["content"][-1], event["delta"]
            anthropic.types.RawContentBlockDeltaEvent.model_validate(event)
            if delta["type"] == "citations_delta":
                block["citations"] = [*block.get("citations", ()), delta["citation"]]
            elif delta["type"] == "input_json_delta":
                written += delta["partial_json"]
                block["input"] = written
            else:
                field = delta["type"].removesuffix("_delta")
                block[field] += delta[field]
        elif event["type"] == "message_delta":
            message |= event["delta"] | {"usage": message["usage"] | event["usage"]}
    for block in message["content"]:
        if isinstance(block.get("input"), str):
            block["input"] = json.loads(block["input"])
    assert events[-1]["type"] == "message_stop"
    return _message(message)


def _message(body: dict[str, Any]) -> Said:
    said: dict[str, Any] = {"text": "", "thought": "", "cites": "", "calls": ()}
    for block in body["content"]:
        kind = block["type"]
        if kind == "text":
            said["text"] += block["text"]
            said["cites"] += "".join(one["url"] for one in block.get("citations") or ())
        elif kind == "thinking":
            said["thought"] += block["thinking"]
            signature = block["signature"]
            of_call = signature.startswith("google.call.")
            said["call_signature" if of_call else "signature"] = signature
        elif kind == "redacted_thinking":
            said["sealed"] = block["data"]
        else:
            said["calls"] += ((block["id"], block["name"], plain(json.dumps(block["input"]))),)
    reasons = {"end_turn": "stop", "max_tokens": "length", "tool_use": "tool_calls"}
    usage = body["usage"]
    return Said(
        stop=reasons.get(body["stop_reason"], body["stop_reason"]),
        sequence=body["stop_sequence"],
        cached=usage["cache_read_input_tokens"],
        cache_written=usage["cache_creation_input_tokens"],
        reasoning_tokens=(usage.get("output_tokens_details") or {}).get("thinking_tokens", 0),
        **said,
    )


def plain(arguments: str) -> str:
    return json.dumps(json.loads(arguments), separators=(",", ":"))


READ = {
    "chat": (whole_chat, streamed_chat),
    "responses": (whole_response, streamed_response),
    "messages": (whole_message, streamed_message),
}
