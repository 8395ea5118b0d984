"""Anthropic's models and those for embeddings, behind InvokeModel.

After "Anthropic Claude Messages API", "Amazon Titan Text Embeddings" and "Cohere Embed models" of
the Amazon Bedrock User Guide, on docs.aws.amazon.com, read through 2026-11-21.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from aws_event_stream import event
from bedrock_converse import CALLS, SIGNATURE, THOUGHT, Refused
from pictures import colour_in

from legato.providers.simulated.instances import instance_of

if TYPE_CHECKING:
    from collections.abc import Iterator

FIELDS = frozenset(
    {
        *("anthropic_version", "anthropic_beta", "max_tokens", "messages", "system", "metadata"),
        *("stop_sequences", "temperature", "top_p", "top_k", "tools", "tool_choice", "thinking"),
        "output_config",
    }
)
USAGE = {
    "input_tokens": 100,
    "output_tokens": 20,
    "cache_read_input_tokens": 64,
    "cache_creation_input_tokens": 0,
}


def message(body: dict[str, Any], version: str = "bedrock-2023-05-31") -> dict[str, Any]:
    """Check the body, return the whole message."""
    if unknown := sorted(body.keys() - FIELDS):
        raise Refused(f"{unknown[0]}: Extra inputs are not permitted")
    for required in ("anthropic_version", "max_tokens", "messages"):
        if required not in body:
            raise Refused(f"{required}: Field required")
    if body["anthropic_version"] != version:
        raise Refused(f"anthropic_version: Input should be '{version}'")
    content = content_of(body)
    calls = any(block["type"] == "tool_use" for block in content)
    return {
        "id": "msg_bdrk_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5-20250929",
        "content": content,
        "stop_reason": "tool_use" if calls else "end_turn",
        "stop_sequence": None,
        "usage": USAGE,
    }


def content_of(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The answer's blocks: thoughts where it may think, an instance where a schema is given."""
    blocks = _last_blocks(body)
    said = f"You said: {said_in(body)}."
    for block in blocks:
        if block["type"] == "image":
            said += f" I see {colour_in(base64.b64decode(block['source'].get('data', '')))}."
    output = body.get("output_config", {}).get("format")
    if output is not None:
        said = json.dumps(instance_of(output["schema"], b"claude"))
    content: list[dict[str, Any]] = []
    if body.get("thinking", {}).get("type") == "enabled":
        content.append({"type": "thinking", "thinking": THOUGHT, "signature": SIGNATURE})
    content.append({"type": "text", "text": said})
    answered = any(block["type"] == "tool_result" for block in blocks)
    if body.get("tools") and not answered:
        content += [
            {"type": "tool_use", "id": one, "name": body["tools"][0]["name"], "input": given}
            for one, given in _calls_of(body)
        ]
    return content


def said_in(body: dict[str, Any]) -> str:
    """The last text of the last turn."""
    texts = [block["text"] for block in _last_blocks(body) if block["type"] == "text"]
    return texts[-1] if texts else ""


def _last_blocks(body: dict[str, Any]) -> list[dict[str, Any]]:
    last = body["messages"][-1]["content"]
    return [{"type": "text", "text": last}] if isinstance(last, str) else last


def _calls_of(body: dict[str, Any]) -> list[tuple[str, Any]]:
    """Where a tool must be called, one call that fits its schema."""
    if body.get("tool_choice", {}).get("type") in {"any", "tool"}:
        return [("tooluse_1", instance_of(body["tools"][0]["input_schema"], b"claude"))]
    return CALLS


def events(body: dict[str, Any]) -> Iterator[bytes]:
    """The message as the events of a stream, as AWS frames them."""
    metrics = {"inputTokenCount": 100, "outputTokenCount": 20, "invocationLatency": 9}
    for one in plain_events(message(body)):
        ends = one["type"] == "message_stop"
        yield _part(one | ({"amazon-bedrock-invocationMetrics": metrics} if ends else {}))


def plain_events(answer: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A message as the events of a stream."""
    content, stop = answer["content"], answer["stop_reason"]
    start = answer | {"content": [], "stop_reason": None, "usage": USAGE | {"output_tokens": 1}}
    yield {"type": "message_start", "message": start}
    for index, block in enumerate(content):
        opened, deltas = IN_PIECES[block["type"]](block)
        yield {"type": "content_block_start", "index": index, "content_block": opened}
        for delta in deltas:
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    ended = {"stop_reason": stop, "stop_sequence": None}
    yield {"type": "message_delta", "delta": ended, "usage": {"output_tokens": 20}}
    yield {"type": "message_stop"}


Pieces = tuple[dict[str, Any], list[dict[str, Any]]]


def _text(block: dict[str, Any]) -> Pieces:
    text = block["text"]
    return block | {"text": ""}, [
        {"type": "text_delta", "text": half} for half in (text[:6], text[6:])
    ]


def _tool_use(block: dict[str, Any]) -> Pieces:
    written = json.dumps(block["input"])
    return block | {"input": {}}, [
        {"type": "input_json_delta", "partial_json": half} for half in (written[:6], written[6:])
    ]


def _thinking(block: dict[str, Any]) -> Pieces:
    return block | {"thinking": "", "signature": ""}, [
        {"type": "thinking_delta", "thinking": block["thinking"]},
        {"type": "signature_delta", "signature": block["signature"]},
    ]


IN_PIECES = {"text": _text, "tool_use": _tool_use, "thinking": _thinking}


def _part(body: dict[str, Any]) -> bytes:
    """Each event travels as bytes, in base64, beside some padding."""
    coded = base64.b64encode(json.dumps(body).encode()).decode()
    return event("chunk", {"bytes": coded, "p": "abcd"})


def embedded(model: str, body: dict[str, Any]) -> dict[str, Any]:
    if model.startswith("amazon.titan-embed-text-v2"):
        if unknown := sorted(body.keys() - {"inputText", "dimensions", "normalize"}):
            raise Refused(f"extraneous key [{unknown[0]}] is not permitted")
        if body.get("dimensions", 256) not in {256, 512, 1024}:
            raise Refused("dimensions: not one of 256, 512, 1024")
        vector = [float(len(body["inputText"]))] * body.get("dimensions", 1024)
        return {"embedding": vector, "inputTextTokenCount": 7}
    if unknown := sorted(body.keys() - {"texts", "input_type", "truncate", "embedding_types"}):
        raise Refused(f"extraneous key [{unknown[0]}] is not permitted")
    if "input_type" not in body:
        raise Refused("required key [input_type] not found")
    vectors = [[float(len(text))] * 3 for text in body["texts"]]
    return {
        "embeddings": vectors,
        "id": "1",
        "response_type": "embeddings_floats",
        "texts": body["texts"],
    }
