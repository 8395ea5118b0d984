"""What a model behind Converse answers, and what Converse refuses beyond its shapes.

After "Converse", "ConverseStream" and "TokenUsage" of the Amazon Bedrock API Reference, and
"Carry out a conversation with the Converse API" and "Prompt caching" of the User Guide, on
docs.aws.amazon.com, read through 2026-11-21.
"""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any

from aws_event_stream import event, exception
from pictures import colour_in

from legato.providers.simulated.instances import instance_of

if TYPE_CHECKING:
    from collections.abc import Iterator

SIGNATURE = "c2lnbmVkIGJ5IHRoZSBtb2RlbA=="
REDACTED = base64.b64encode(b"encrypted thoughts").decode()
THOUGHT = "They want to know."
CALLS = [("tooluse_1", {"city": "Oslo"}), ("tooluse_2", {"city": "Rome"})]
INPUT, OUTPUT, READ, WRITTEN = 100, 20, 64, 32
NAME = re.compile(r"(?!.*\s\s)[A-Za-z0-9\s()\[\]-]{1,200}")
MAGIC = {"png": b"\x89PNG", "jpeg": b"\xff\xd8", "gif": b"GIF8", "webp": b"RIFF"}
STOPS = {
    "guardrail": "guardrail_intervened",
    "filtered": "content_filtered",
    "malformed": "malformed_model_output",
    "long": "max_tokens",
}


class Refused(Exception):
    """A ValidationException."""


def check_conversation(body: dict[str, Any]) -> None:
    """Refuse what the shapes allow and the service doesn't."""
    _check_thinking(body)
    messages = body.get("messages") or []
    if not messages or messages[0]["role"] != "user":
        raise Refused("A conversation must start with a user message.")
    open_calls: list[str] = []
    for place, message in enumerate(messages):
        if place and message["role"] == messages[place - 1]["role"]:
            raise Refused("A conversation must alternate between user and assistant roles.")
        if not message["content"]:
            raise Refused(f"The content field in the Message object at messages.{place} is empty.")
        answered = [b["toolResult"]["toolUseId"] for b in message["content"] if "toolResult" in b]
        if sorted(answered) != sorted(open_calls):
            raise Refused(f"Expected toolResult blocks at messages.{place}.content for the calls.")
        open_calls = [b["toolUse"]["toolUseId"] for b in message["content"] if "toolUse" in b]
        for block in message["content"]:
            _check_block(block, f"messages.{place}", body)
        _check_documents(message["content"], f"messages.{place}")


def _check_thinking(body: dict[str, Any]) -> None:
    """Of Claude alone: what its page "Extended thinking" in the User Guide says."""
    thinking = body.get("additionalModelRequestFields", {}).get("thinking", {})
    config = body.get("inferenceConfig", {})
    if thinking.get("type") not in {"enabled", "adaptive"}:
        return
    if thinking["type"] == "enabled":
        if thinking["budget_tokens"] < 1024:
            raise Refused("thinking.enabled.budget_tokens: Input should be at least 1024")
        if thinking["budget_tokens"] >= config.get("maxTokens", 64_000):
            raise Refused("`max_tokens` must be greater than `thinking.budget_tokens`")
    if config.get("temperature", 1) != 1:
        raise Refused("`temperature` may only be set to 1 when thinking is enabled")
    if body.get("toolConfig", {}).get("toolChoice", {}).keys() & {"any", "tool"}:
        raise Refused("Thinking may not be enabled when tool_choice forces tool use.")


def _check_documents(content: list[dict[str, Any]], place: str) -> None:
    names = [block["document"]["name"] for block in content if "document" in block]
    if len(set(names)) < len(names):
        raise Refused(f"The documents at {place} have the same name.")
    if names and not any("text" in block for block in content):
        raise Refused(f"A text block is required beside the documents at {place}.")


def _check_block(block: dict[str, Any], place: str, body: dict[str, Any]) -> None:
    if "text" in block and not block["text"].strip():
        raise Refused(f"The text field in the ContentBlock object at {place} is blank.")
    if ("toolUse" in block or "toolResult" in block) and not body.get("toolConfig"):
        raise Refused("The toolConfig field must be defined when using toolUse and toolResult.")
    if "document" in block and not NAME.fullmatch(block["document"]["name"]):
        raise Refused(f"The document file name at {place} holds invalid characters.")
    if "image" in block:
        raw = base64.b64decode(block["image"]["source"]["bytes"])
        if not raw.startswith(MAGIC[block["image"]["format"]]):
            raise Refused(f"The image at {place} is not of its format.")
    reasoning = block.get("reasoningContent", {})
    if "reasoningText" in reasoning and reasoning["reasoningText"].get("signature") != SIGNATURE:
        raise Refused(f"Invalid signature in thinking block at {place}.")
    if reasoning.get("redactedContent", REDACTED) != REDACTED:
        raise Refused(f"Invalid data in redacted thinking block at {place}.")


def said_in(body: dict[str, Any]) -> str:
    """The last text of the user's."""
    texts = [b["text"] for b in body["messages"][-1]["content"] if "text" in b]
    return texts[-1] if texts else ""


def content_of(body: dict[str, Any]) -> tuple[list[dict[str, Any]], str]:
    """The answer's blocks and its reason to stop; thoughts first where thinking is on."""
    content, stop = _said(body)
    thinking = body.get("additionalModelRequestFields", {}).get("thinking", {})
    if thinking.get("type") in {"enabled", "adaptive"}:
        said = {"text": THOUGHT, "signature": SIGNATURE}
        content.insert(0, {"reasoningContent": {"reasoningText": said}})
    return content, stop


def _said(body: dict[str, Any]) -> tuple[list[dict[str, Any]], str]:
    said, last = said_in(body), body["messages"][-1]["content"]
    results = [block["toolResult"] for block in last if "toolResult" in block]
    if results:
        return [{"text": f"Results: {'; '.join(map(_result, results))}."}], "end_turn"
    config = body.get("toolConfig", {})
    tools = [t["toolSpec"] for t in config.get("tools", ()) if "toolSpec" in t]
    if tools:
        calls: list[dict[str, Any]] = [
            {"toolUse": {"toolUseId": one, "name": tools[0]["name"], "input": given}}
            for one, given in _calls_of(tools[0], config.get("toolChoice", {}))
        ]
        return [{"text": "I look."}, *calls], "tool_use"
    if "textFormat" in body.get("outputConfig", {}):
        definition = body["outputConfig"]["textFormat"]["structure"]["jsonSchema"]
        instance = instance_of(json.loads(definition["schema"]), b"converse")
        return [{"text": json.dumps(instance)}], "end_turn"
    if said == "reason" or "effort" in body.get("outputConfig", {}):
        blocks = [
            {"reasoningContent": {"reasoningText": {"text": THOUGHT, "signature": SIGNATURE}}},
            {"reasoningContent": {"redactedContent": REDACTED}},
            {"text": "So I say it."},
        ]
        return blocks, "end_turn"
    if said == "cite":
        where = {"documentPage": {"documentIndex": 0, "start": 1, "end": 2}}
        cited = {"content": [{"text": "It is so."}], "citations": [{"location": where}]}
        return [{"citationsContent": cited}], "end_turn"
    if said == "stop" and "stopSequences" in body.get("inferenceConfig", {}):
        return [{"text": "One"}], "stop_sequence"
    images = [block["image"]["source"]["bytes"] for block in last if "image" in block]
    seen = f" I see {len(images)} image(s)." if images else ""
    colours = filter(None, (colour_in(base64.b64decode(image)) for image in images))
    seen += "".join(f" One is {colour}." for colour in colours)
    return [{"text": f"You said: {said}.{seen}"}], STOPS.get(said, "end_turn")


def _calls_of(tool: dict[str, Any], choice: dict[str, Any]) -> list[tuple[str, Any]]:
    """Where a tool must be called, one call that fits its schema."""
    if {"any", "tool"} & choice.keys():
        return [("tooluse_1", instance_of(tool["inputSchema"]["json"], b"converse"))]
    return CALLS


def _result(result: dict[str, Any]) -> str:
    parts = [item.get("text") or f"<{next(iter(item))}>" for item in result["content"]]
    return f"{result.get('status', 'success')} {' '.join(parts)}".strip()


def usage_of(body: dict[str, Any]) -> dict[str, Any]:
    """Token counts; what went through the cache is not among `inputTokens`."""
    points = re.findall(r'"cachePoint": (\{[^}]*\})', json.dumps(body))
    usage = {"inputTokens": INPUT, "outputTokens": OUTPUT}
    total = INPUT + OUTPUT
    if points:
        long = any(json.loads(point).get("ttl") == "1h" for point in points)
        usage |= {"cacheReadInputTokens": READ, "cacheWriteInputTokens": WRITTEN}
        details = [{"ttl": "1h" if long else "5m", "inputTokens": WRITTEN}]
        return usage | {"totalTokens": total + READ + WRITTEN, "cacheDetails": details}
    return usage | {"totalTokens": total}


def own_fields(body: dict[str, Any], stop: str) -> dict[str, Any]:
    paths = body.get("additionalModelResponseFieldPaths") or ()
    if stop == "stop_sequence" and "/stop_sequence" in paths:
        return {
            "additionalModelResponseFields": {
                "stop_sequence": body["inferenceConfig"]["stopSequences"][0]
            }
        }
    return {}


def whole(body: dict[str, Any]) -> dict[str, Any]:
    content, stop = content_of(body)
    answer = {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": stop,
        "usage": usage_of(body),
        "metrics": {"latencyMs": 12},
    }
    return answer | own_fields(body, stop)


def stream(body: dict[str, Any]) -> Iterator[bytes]:
    content, stop = content_of(body)
    yield event("messageStart", {"p": "abcdefgh", "role": "assistant"})
    for index, block in enumerate(content):
        if "toolUse" in block:
            start = {"toolUse": {key: block["toolUse"][key] for key in ("toolUseId", "name")}}
            yield event("contentBlockStart", {"contentBlockIndex": index, "start": start})
        for delta in _deltas(block):
            yield event("contentBlockDelta", {"contentBlockIndex": index, "delta": delta})
        yield event("contentBlockStop", {"contentBlockIndex": index})
    yield event("messageStop", {"stopReason": stop, **own_fields(body, stop)})
    yield event("metadata", {"usage": usage_of(body), "metrics": {"latencyMs": 12}})


def _deltas(block: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "text" in block:
        yield from ({"text": piece} for piece in re.findall(r"\S+\s*", block["text"]))
    elif "toolUse" in block:
        written = json.dumps(block["toolUse"]["input"])
        yield from ({"toolUse": {"input": half}} for half in ("", written[:4], written[4:]))
    elif "citationsContent" in block:
        yield {"text": block["citationsContent"]["content"][0]["text"]}
        yield {"citation": block["citationsContent"]["citations"][0]}
    elif "reasoningText" in block["reasoningContent"]:
        said = block["reasoningContent"]["reasoningText"]
        yield from ({"reasoningContent": {"text": said["text"][at : at + 7]}} for at in (0, 7, 14))
        yield {"reasoningContent": {"signature": said["signature"]}}
    else:
        yield {"reasoningContent": block["reasoningContent"]}


def broken(said: str, events: Iterator[bytes]) -> tuple[list[bytes], bool]:
    """The stream as the script breaks it, and whether the connection breaks, too."""
    sent = list(events)
    if said == "throttled midway":
        said_so = {"message": "Too many tokens, please wait before trying again."}
        return [*sent[:3], exception("throttlingException", said_so)], False
    if said == "error midway":
        body = {"message": "The model failed.", "originalStatusCode": 500, "originalMessage": "x"}
        return [*sent[:3], exception("modelStreamErrorException", body)], False
    if said == "error at once":
        return [sent[0], exception("serviceUnavailableException", {"message": "Not now."})], False
    if said == "cut":
        return sent[:3], True
    if said == "ends early":
        return sent[:3], False
    if said == "corrupt":
        third = bytearray(sent[2])
        third[-6] ^= 1
        return [*sent[:2], bytes(third), *sent[3:]], False
    return sent, False
