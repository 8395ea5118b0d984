"""Cohere's API, version 2: chat, embed and rerank.

Built from the types of the vendor's package cohere 7.3 (2026-11-21), which are made from its API
definition, and in the order of events that docs.cohere.com ("A Guide to Streaming Responses")
tells; its limits on values are from common knowledge of those pages. Requests with a field, role,
choice or value that the vendor hasn't are refused as it does. The question's words choose the
answer: THINK reasons, as a question does that may, CALL asks for tools, BREAK ends with the reason
ERROR, HANG UP loses the connection, and FAILURES has those that are refused. Where a tool must be
called it is, and a schema gets its instance.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from aiohttp import web

from legato.providers.simulated.instances import instance_of
from wire_servers.pictures import colour_in
from wire_servers.threaded import ThreadedServer

KEY = "cohere-key"
TEXT, THOUGHT, PLAN = "Blue.", "Sky scatters.", "I will ask for both."
CHAT_FIELDS = frozenset(
    {"model", "messages", "tools", "strict_tools", "documents", "citation_options", "thinking",
     "response_format", "safety_mode", "max_tokens", "stop_sequences", "temperature", "seed",
     "frequency_penalty", "presence_penalty", "k", "p", "logprobs", "tool_choice", "stream",
     "priority"}
)  # fmt: skip
EMBED_FIELDS = frozenset(
    {"model", "input_type", "texts", "images", "inputs", "max_tokens", "output_dimension",
     "embedding_types", "truncate", "priority"}
)  # fmt: skip
RERANK_FIELDS = frozenset(
    {"model", "query", "documents", "top_n", "max_tokens_per_doc", "relevant_spans", "priority"}
)
MESSAGE_FIELDS = {
    "system": {"role", "content"},
    "user": {"role", "content"},
    "assistant": {"role", "content", "tool_calls", "tool_plan", "citations"},
    "tool": {"role", "content", "tool_call_id"},
}
INPUT_TYPES = {"search_document", "search_query", "classification", "clustering", "image"}
CALLS = [("weather", '{"city": "Ulm"}'), ("weather", '{"city": "Bonn"}')]
USAGE = {
    "billed_units": {"input_tokens": 30, "output_tokens": 7},
    "tokens": {"input_tokens": 95, "output_tokens": 12},
    "cached_tokens": 10,
}
SOURCE = {"type": "document", "id": "doc:0", "document": {"title": "Rayleigh", "text": "Blue."}}
CITATION = {
    "start": 0, "end": 4, "text": "Blue", "type": "TEXT_CONTENT", "content_index": 1,
    "sources": [SOURCE],
}  # fmt: skip


FAILURES = (
    ("FAIL", 429, "You are past the per minute request limit"),
    ("DENY", 403, "your account may not use this model"),
    ("OVERLOAD", 503, "service unavailable"),
    ("REJECT", 422, "the request can't be processed"),
)


class CohereServer(ThreadedServer):
    """`url` is what the vendor's client takes for `base_url`; `bodies` are the requests' own."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        super().__init__(
            {"/v2/chat": self._chat, "/v2/embed": self._embed, "/v2/rerank": self._rerank}
        )

    async def _read(self, request: web.Request, fields: frozenset[str]) -> dict[str, Any]:
        body: dict[str, Any] = await request.json()
        self.bodies.append(body)
        if request.headers.get("authorization") != f"Bearer {KEY}":
            raise _Refused(401, "invalid api token")
        if unknown := sorted(body.keys() - fields):
            raise _Refused(400, f"unknown field: parameter '{unknown[0]}' is not a valid field")
        return body

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        try:
            body = await self._read(request, CHAT_FIELDS)
            judge(body)
        except _Refused as refused:
            return refused.answer()
        question = json.dumps([m["content"] for m in body["messages"] if m["role"] == "user"])
        if "no-such" in body["model"]:
            text = f"model '{body['model']}' not found, make sure the correct model ID was used"
            return _Refused(404, text).answer()
        for word, status, text in FAILURES:
            if word in question:
                return _Refused(status, text).answer()
        if not body.get("stream"):
            return web.json_response(_whole(question, body))
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        if "HANG UP" in question:
            await response.write(b"event: message-start\n")
            assert request.transport is not None
            request.transport.abort()
            return response
        for event in _events(question, body):
            frame = f"event: {event['type']}\ndata: {json.dumps(event)}\n\n"
            await response.write(frame.encode())
        await response.write_eof()
        return response

    async def _embed(self, request: web.Request) -> web.StreamResponse:
        try:
            body = await self._read(request, EMBED_FIELDS)
            _judge_embed(body)
        except _Refused as refused:
            return refused.answer()
        size = body.get("output_dimension", 4)
        return web.json_response(
            {
                "id": "e-1",
                "embeddings": {"float": [[len(text) / 8] * size for text in body["texts"]]},
                "texts": body["texts"],
                "response_type": "embeddings_by_type",
                "meta": {"api_version": {"version": "2"}, "billed_units": {"input_tokens": 6}},
            }
        )

    async def _rerank(self, request: web.Request) -> web.StreamResponse:
        try:
            body = await self._read(request, RERANK_FIELDS)
            _judge_rerank(body)
        except _Refused as refused:
            return refused.answer()
        scores = [
            (-len(set(text) & set(body["query"])), index)
            for index, text in enumerate(body["documents"])
        ]
        ranked = sorted(scores)[: body.get("top_n", len(scores))]
        return web.json_response(
            {
                "id": "r-1",
                "results": [
                    {"index": index, "relevance_score": -score / 100} for score, index in ranked
                ],
                "meta": {"api_version": {"version": "2"}, "billed_units": {"search_units": 1}},
            }
        )


class _Refused(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message

    def answer(self) -> web.Response:
        return web.json_response({"id": "x-1", "message": self.message}, status=self.status)


def judge(body: dict[str, Any]) -> None:
    for message in body["messages"]:
        fields = MESSAGE_FIELDS.get(message["role"])
        if fields is None or message.keys() - fields:
            raise _Refused(400, f"invalid message of role {message['role']}")
        if message["role"] == "assistant" and not (
            message.get("content") or message.get("tool_calls")
        ):
            raise _Refused(400, "an assistant message needs content or tool calls")
    if body.get("tool_choice") not in {None, "REQUIRED", "NONE"}:
        raise _Refused(400, "tool_choice must be REQUIRED or NONE")
    if not 0.01 <= body.get("p", 0.5) <= 0.99 or not 0 <= body.get("temperature", 0) <= 1:
        raise _Refused(400, "invalid request: p or temperature is out of range")
    output = body.get("response_format") or {}
    if output.keys() - {"type", "json_schema"}:
        raise _Refused(400, "invalid response_format")
    for tool in body.get("tools") or ():
        if tool.keys() != {"type", "function"} or tool["function"]["parameters"].get("type") != (
            "object"
        ):
            raise _Refused(400, "invalid tool")


def _judge_embed(body: dict[str, Any]) -> None:
    if body.get("input_type") not in INPUT_TYPES:
        raise _Refused(400, "invalid request: valid input_type must be provided")


def _judge_rerank(body: dict[str, Any]) -> None:
    if not all(isinstance(document, str) for document in body["documents"]):
        raise _Refused(400, "invalid type: parameter documents must be of type string")


def _calls(question: str, body: dict[str, Any]) -> list[dict[str, Any]]:
    calls = CALLS if "CALL" in question else []
    if not calls and body.get("tool_choice") == "REQUIRED":
        function = body["tools"][0]["function"]
        calls = [(function["name"], json.dumps(instance_of(function["parameters"], b"cohere")))]
    return [
        {
            "id": f"weather_{number}",
            "type": "function",
            "function": {"name": name, "arguments": arguments},
        }
        for number, (name, arguments) in enumerate(calls)
    ]


def _text(body: dict[str, Any]) -> str:
    schema = (body.get("response_format") or {}).get("json_schema")
    if schema is not None:
        return json.dumps(instance_of(schema, b"cohere"))
    return "".join(f"{colour}." for colour in _colours(body)) or TEXT


def _colours(body: dict[str, Any]) -> list[str]:
    """What is seen in the last message's pictures."""
    content = body["messages"][-1]["content"]
    parts = content if isinstance(content, list) else []
    urls = [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]
    inline = [url.partition(",")[2] for url in urls if url.startswith("data:")]
    return [name for data in inline if (name := colour_in(base64.b64decode(data)))]


def _thinks(question: str, body: dict[str, Any]) -> bool:
    return "THINK" in question or (body.get("thinking") or {}).get("type") == "enabled"


def _whole(question: str, body: dict[str, Any]) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant"}
    reason = "ERROR" if "BREAK" in question else "COMPLETE"
    calls = _calls(question, body)
    if calls:
        reason = "TOOL_CALL"
        message |= {"tool_plan": PLAN, "tool_calls": calls}
    else:
        thinking = [{"type": "thinking", "thinking": THOUGHT}] if _thinks(question, body) else []
        message["content"] = [*thinking, {"type": "text", "text": _text(body)}]
        message["citations"] = [CITATION]
    return {"id": "c-1", "finish_reason": reason, "message": message, "usage": USAGE}


def _events(question: str, body: dict[str, Any]) -> list[dict[str, Any]]:
    start = {"message": {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": []}}
    events: list[dict[str, Any]] = [{"type": "message-start", "id": "c-1", "delta": start}]
    reason = "COMPLETE"
    calls = _calls(question, body)
    if calls:
        reason = "TOOL_CALL"
        events += [
            {"type": "tool-plan-delta", "delta": {"message": {"tool_plan": piece}}}
            for piece in (PLAN[:5], PLAN[5:])
        ]
        for index, call in enumerate(calls):
            events += _call_events(index, call)
    else:
        if _thinks(question, body):
            events += _block_events(0, "thinking", THOUGHT)
        events += _block_events(1, "text", _text(body))
        cited = {"message": {"citations": CITATION}}
        events.append({"type": "citation-start", "index": 0, "delta": cited})
        events.append({"type": "citation-end", "index": 0})
    end: dict[str, Any] = {"finish_reason": reason, "usage": USAGE}
    if "BREAK" in question:
        end = {"finish_reason": "ERROR", "error": "generation failed"}
    return [*events, {"type": "message-end", "id": "c-1", "delta": end}]


def _call_events(index: int, call: dict[str, Any]) -> list[dict[str, Any]]:
    arguments = call["function"]["arguments"]
    opened = {**call, "function": {**call["function"], "arguments": ""}}
    events = [
        {
            "type": "tool-call-start",
            "index": index,
            "delta": {"message": {"tool_calls": opened}},
        }
    ]
    for piece in (arguments[:6], arguments[6:]):
        delta = {"message": {"tool_calls": {"function": {"arguments": piece}}}}
        events.append({"type": "tool-call-delta", "index": index, "delta": delta})
    return [*events, {"type": "tool-call-end", "index": index}]


def _block_events(index: int, kind: str, text: str) -> list[dict[str, Any]]:
    def delta(content: dict[str, Any]) -> dict[str, Any]:
        return {"message": {"content": content}}

    opened = {"type": "content-start", "index": index, "delta": delta({"type": kind, kind: ""})}
    pieces = [
        {"type": "content-delta", "index": index, "delta": delta({kind: piece})}
        for piece in (text[:2], text[2:])
    ]
    return [opened, *pieces, {"type": "content-end", "index": index}]
