"""Anthropic's models at Vertex AI: rawPredict, streamRawPredict and the counting of tokens.

Documents: "Claude on Vertex AI" and "Count tokens for Claude models" (cloud.google.com/vertex-ai,
docs.claude.com), and the paths that the vendor's package anthropic 2.11 writes, read 2026-11-21.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aiohttp import web
from bedrock_claude import message, plain_events, said_in
from bedrock_converse import Refused

if TYPE_CHECKING:
    import re

# What the documents say it must be, and what the vendor's client sends.
VERSIONS = ("vertex-2023-10-16", "2026-10-21")
COUNTED = frozenset(
    {"anthropic_version", "model", "messages", "system", "tools", "tool_choice", "thinking"}
)
TOKENS = 29


async def answer(
    request: web.Request, path: re.Match[str], body: dict[str, Any]
) -> web.StreamResponse:
    try:
        return await _answer(request, path, body)
    except Refused as problem:
        error = {"type": "invalid_request_error", "message": str(problem)}
        return web.json_response({"type": "error", "error": error}, status=400)


async def _answer(
    request: web.Request, path: re.Match[str], body: dict[str, Any]
) -> web.StreamResponse:
    version = body.get("anthropic_version")
    if version not in VERSIONS:
        raise Refused(f"anthropic_version: Input should be '{VERSIONS[0]}'")
    if path["model"] == "count-tokens":
        if body.keys() - COUNTED or "model" not in body:
            raise Refused("count-tokens: the fields are not those it has")
        return web.json_response({"input_tokens": TOKENS})
    streams = path["verb"] == "streamRawPredict"
    if body.get("stream", False) is not streams:
        raise Refused("stream: must be what the method says")
    given = {name: value for name, value in body.items() if name != "stream"}
    whole = message(given, version) | {"model": path["model"].replace("@", "-")}
    if not streams:
        return web.json_response(whole)
    response = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await response.prepare(request)
    said = said_in(body)
    for position, event in enumerate(plain_events(whole)):
        if position and "hang up" in said:
            assert request.transport is not None
            request.transport.abort()
            return response
        if position and "break" in said:
            error = {"type": "overloaded_error", "message": "Overloaded"}
            event = {"type": "error", "error": error}  # noqa: PLW2901 -- in its place
        frame = f"event: {event['type']}\ndata: {json.dumps(event)}\n\n"
        await response.write(frame.encode())
        if event["type"] == "error":
            break
    await response.write_eof()
    return response
