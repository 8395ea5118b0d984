"""Anthropic's models and those for embeddings, behind InvokeModel.

After "Anthropic Claude Messages API", "Amazon Titan Text Embeddings" and "Cohere Embed models" of
the Amazon Bedrock User Guide, on docs.aws.amazon.com, read through 2026-11-21.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from aws_event_stream import event
from bedrock_converse import CALLS, Refused

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


def message(body: dict[str, Any]) -> dict[str, Any]:
    """Check the body, return the whole message."""
    if unknown := sorted(body.keys() - FIELDS):
        raise Refused(f"{unknown[0]}: Extra inputs are not permitted")
    for required in ("anthropic_version", "max_tokens", "messages"):
        if required not in body:
            raise Refused(f"{required}: Field required")
    if body["anthropic_version"] != "bedrock-2023-05-31":
        raise Refused("anthropic_version: Input should be 'bedrock-2023-05-31'")
    said = body["messages"][-1]["content"]
    if not isinstance(said, str):
        texts = [one for one in said if one["type"] == "text"]
        said = texts[-1]["text"] if texts else ""
    content: list[dict[str, Any]] = [{"type": "text", "text": f"You said: {said}."}]
    for one, given in CALLS if body.get("tools") else ():
        name = body["tools"][0]["name"]
        content.append({"type": "tool_use", "id": one, "name": name, "input": given})
    return {
        "id": "msg_bdrk_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5-20250929",
        "content": content,
        "stop_reason": "tool_use" if body.get("tools") else "end_turn",
        "stop_sequence": None,
        "usage": USAGE,
    }


def events(body: dict[str, Any]) -> Iterator[bytes]:
    answer = message(body)
    content, stop = answer["content"], answer["stop_reason"]
    start = answer | {"content": [], "stop_reason": None, "usage": USAGE | {"output_tokens": 1}}
    yield _part({"type": "message_start", "message": start})
    for index, block in enumerate(content):
        is_text = block["type"] == "text"
        opened = block | ({"text": ""} if is_text else {"input": {}})
        yield _part({"type": "content_block_start", "index": index, "content_block": opened})
        written = block["text"] if is_text else json.dumps(block["input"])
        for half in (written[:6], written[6:]):
            delta = (
                {"type": "text_delta", "text": half}
                if is_text
                else {"type": "input_json_delta", "partial_json": half}
            )
            yield _part({"type": "content_block_delta", "index": index, "delta": delta})
        yield _part({"type": "content_block_stop", "index": index})
    ended = {"stop_reason": stop, "stop_sequence": None}
    yield _part({"type": "message_delta", "delta": ended, "usage": {"output_tokens": 20}})
    metrics = {"inputTokenCount": 100, "outputTokenCount": 20, "invocationLatency": 9}
    yield _part({"type": "message_stop", "amazon-bedrock-invocationMetrics": metrics})


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
