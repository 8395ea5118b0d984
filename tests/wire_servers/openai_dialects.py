"""Vendors that speak OpenAI's dialect, each with what its documentation says is its own.

Mistral's from the types of its package mistralai 3.7, Groq's and Ollama's limits from their pages
on OpenAI compatibility, all 2026-11-21; the others from common knowledge of the pages named beside
each preset in `legato.providers.openai_compatible.presets`. Requests are judged as the vendor would
judge them. The question's words choose the answer: `think` reasons, `tool` calls one.
"""

from __future__ import annotations

import json
import re
from typing import Any

from aiohttp import web

from wire_servers.threaded import ThreadedServer

VENDORS = (
    "mistral", "groq", "together", "openrouter", "deepseek", "xai", "fireworks", "perplexity",
    "ollama", "vllm", "tgi",
)  # fmt: skip
PLAIN = frozenset(
    {"model", "messages", "max_tokens", "temperature", "top_p", "stop", "stream", "tools",
     "response_format", "presence_penalty", "frequency_penalty", "reasoning_effort"}
)  # fmt: skip
OPENAI = PLAIN | {
    "max_completion_tokens", "seed", "n", "user", "logprobs", "top_logprobs", "logit_bias",
    "tool_choice", "parallel_tool_calls", "stream_options", "metadata", "store", "top_k",
}  # fmt: skip
FIELDS = {
    "mistral": PLAIN
    | {"random_seed", "n", "logprobs", "top_logprobs", "tool_choice", "parallel_tool_calls",
       "top_k", "metadata", "prediction", "prompt_mode", "safe_prompt", "prompt_cache_key"},
    "groq": OPENAI - {"n", "logprobs", "top_logprobs", "logit_bias", "top_k"},
    "together": OPENAI - {"max_completion_tokens"},
    "deepseek": OPENAI - {"max_completion_tokens", "n"},
    "fireworks": OPENAI - {"max_completion_tokens"},
    "perplexity": PLAIN | {"top_k", "tool_choice", "web_search_options", "user"},
    "ollama": PLAIN | {"seed", "stream_options", "user"},
    "tgi": OPENAI - {"max_completion_tokens", "n", "logit_bias"},
}  # fmt: skip
MISTRAL_MESSAGE = {
    "assistant": {"role", "content", "tool_calls", "prefix"},
    "tool": {"role", "content", "tool_call_id", "name"},
    "user": {"role", "content"},
    "system": {"role", "content"},
}
NINE = re.compile(r"[a-zA-Z0-9]{9}")
THOUGHT, TEXT = "Sky scatters.", "Blue."
PROMPT_TOKENS, COMPLETION_TOKENS, REASONING_TOKENS, CACHED_TOKENS = 40, 9, 6, 8


class OpenAIDialect:
    """One vendor's server: `/v1/chat/completions` and the bodies it got."""

    def __init__(self, vendor: str) -> None:
        self.vendor = vendor
        self.bodies: list[dict[str, Any]] = []

    async def chat(self, request: web.Request) -> web.StreamResponse:
        """Judge, then answer."""
        body = await request.json()
        self.bodies.append(body)
        if request.headers.get("authorization") != "Bearer vendor-key":
            return self._refused(401, "Unauthorized")
        fault = self._fault(body)
        if fault is not None:
            return self._refused(*fault)
        question = json.dumps([m["content"] for m in body["messages"] if m["role"] == "user"])
        if "fail" in question:
            return self._refused(429, "slow down")
        parts = Parts(self.vendor, thinks="think" in question, calls="tool" in question)
        if body.get("stream"):
            return await self._stream(request, body, parts)
        return web.json_response(
            {
                **self._head("chat.completion", body),
                "choices": [
                    {"index": 0, "message": parts.message(), "finish_reason": parts.finish()}
                ],
                "usage": self._usage(parts),
                **self._sources(),
            }
        )

    async def rerank(self, request: web.Request) -> web.StreamResponse:
        """Rank as given; Jina's and vLLM's usage is in tokens, Together's as well."""
        body = await request.json()
        self.bodies.append(body)
        results = [
            {"index": index, "relevance_score": 1 / (index + 1), "document": {"text": text}}
            for index, text in enumerate(body["documents"])
        ]
        usage = {"prompt_tokens": PROMPT_TOKENS, "total_tokens": PROMPT_TOKENS}
        return web.json_response(
            {"id": "r-1", "model": body["model"], "usage": usage, "results": results}
        )

    def _fault(self, body: dict[str, Any]) -> tuple[int, str] | None:
        for field in sorted(body.keys() - FIELDS.get(self.vendor, OPENAI)):
            return 422 if self.vendor == "mistral" else 400, f"property {field} is unsupported"
        if self.vendor == "mistral":
            return _mistral_fault(body["messages"])
        return None

    def _refused(self, status: int, message: str) -> web.Response:
        shapes: dict[str, Any] = {
            "mistral": {
                "object": "error",
                "message": {"detail": [{"type": "extra_forbidden", "msg": message}]},
                "type": "invalid_request_error",
                "code": 1500,
            },
            "vllm": {"object": "error", "message": message, "type": "BadRequestError", "code": 400},
            "tgi": {"error": message, "error_type": "validation"},
            "xai": {"code": "Client specified an invalid argument", "error": message},
            "openrouter": {"error": {"code": status, "message": message, "metadata": {}}},
        }
        usual = {"error": {"message": message, "type": "invalid_request_error", "code": None}}
        return web.json_response(shapes.get(self.vendor, usual), status=status)

    async def _stream(
        self, request: web.Request, body: dict[str, Any], parts: Parts
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        for frame in self._frames(body, parts):
            await response.write(frame)
        await response.write_eof()
        return response

    def _frames(self, body: dict[str, Any], parts: Parts) -> list[bytes]:
        vendor, asked = self.vendor, (body.get("stream_options") or {}).get("include_usage")
        comment = {"openrouter": b": OPENROUTER PROCESSING\n\n", "deepseek": b": keep-alive\n\n"}
        frames = [comment[vendor]] if vendor in comment else []
        deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}, *parts.deltas(), {}]
        for delta in deltas:
            last = not delta
            choice = {"index": 0, "delta": delta, "finish_reason": parts.finish() if last else None}
            chunk: dict[str, Any] = {
                **self._head("chat.completion.chunk", body), "choices": [choice]
            }  # fmt: skip
            usage = self._usage(parts)
            if vendor in {"perplexity", "xai"}:
                chunk["usage"] = usage if last else {**usage, "completion_tokens": 1}
            elif last and vendor in {"mistral", "fireworks"}:
                chunk["usage"] = usage
            elif last and vendor == "groq":
                chunk["x_groq"] = {"id": "req_1", "usage": usage}
            frames.append(_frame({**chunk, **self._sources()}))
        if asked and vendor not in {"xai", "fireworks", "groq"}:
            tail = {**self._head("chat.completion.chunk", body), "choices": []}
            frames.append(_frame({**tail, "usage": self._usage(parts)}))
        return [*frames, b"data: [DONE]\n\n"]

    def _head(self, kind: str, body: dict[str, Any]) -> dict[str, Any]:
        return {"id": "c-1", "object": kind, "created": 1_795_000_000, "model": body["model"]}

    def _sources(self) -> dict[str, Any]:
        if self.vendor != "perplexity":
            return {}
        found = {"title": "Rayleigh", "url": "https://example.org/a", "date": None}
        return {"citations": [found["url"]], "search_results": [found]}

    def _usage(self, parts: Parts) -> dict[str, Any]:
        usage: dict[str, Any] = {
            "prompt_tokens": PROMPT_TOKENS,
            "completion_tokens": COMPLETION_TOKENS,
            "total_tokens": PROMPT_TOKENS + COMPLETION_TOKENS,
        }
        reasoning = REASONING_TOKENS if parts.thinks else 0
        if self.vendor == "deepseek":
            usage["prompt_cache_hit_tokens"] = CACHED_TOKENS
            usage["prompt_cache_miss_tokens"] = PROMPT_TOKENS - CACHED_TOKENS
        elif self.vendor == "together":
            usage["cached_tokens"] = CACHED_TOKENS
        elif self.vendor in {"xai", "openrouter", "fireworks", "groq", "vllm"}:
            usage["prompt_tokens_details"] = {"cached_tokens": CACHED_TOKENS}
        if self.vendor == "xai":  # beside the completion, and in the total
            usage["completion_tokens"] -= reasoning
        if self.vendor in {"xai", "openrouter", "deepseek", "groq"}:
            usage["completion_tokens_details"] = {"reasoning_tokens": reasoning}
        return usage


class Parts:
    """An answer in one vendor's shape."""

    def __init__(self, vendor: str, *, thinks: bool, calls: bool) -> None:
        self.vendor, self.thinks, self.calls = vendor, thinks, calls
        self.call_id = "a1B2c3D4e" if vendor == "mistral" else "call_1"
        self.field = (
            "reasoning"
            if vendor in {"groq", "openrouter", "together", "ollama"}
            else "reasoning_content"
        )

    def message(self) -> dict[str, Any]:
        """The message of a whole answer."""
        message: dict[str, Any] = {"role": "assistant", "content": TEXT}
        if self.thinks and self.vendor == "mistral":
            message["content"] = [_thinking(THOUGHT), {"type": "text", "text": TEXT}]
        elif self.thinks:
            message[self.field] = THOUGHT
        if self.calls:
            message |= {"content": None, "tool_calls": [self._call('{"city": "Ulm"}')]}
        return message

    def deltas(self) -> list[dict[str, Any]]:
        """The same in pieces."""
        pieces: list[dict[str, Any]] = []
        if self.thinks and self.vendor == "mistral":
            pieces += [{"content": [_thinking(THOUGHT[:4])]}, {"content": [_thinking(THOUGHT[4:])]}]
        elif self.thinks:
            pieces += [{self.field: THOUGHT[:4]}, {self.field: THOUGHT[4:]}]
        if self.calls:
            return [*pieces, {"tool_calls": [{"index": 0, **self._call('{"city": "Ulm"}')}]}]
        return [*pieces, {"content": TEXT[:2]}, {"content": TEXT[2:]}]

    def finish(self) -> str:
        """The vendor's word for the end."""
        if self.calls:
            return "stop" if self.vendor == "tgi" else "tool_calls"
        return "eos_token" if self.vendor == "tgi" else "stop"

    def _call(self, arguments: str) -> dict[str, Any]:
        function = {"name": "weather", "arguments": arguments}
        return {"id": self.call_id, "type": "function", "function": function}


def _thinking(text: str) -> dict[str, Any]:
    return {"type": "thinking", "thinking": [{"type": "text", "text": text}]}


def _mistral_fault(messages: list[dict[str, Any]]) -> tuple[int, str] | None:
    for message in messages:
        allowed = MISTRAL_MESSAGE.get(message["role"])
        if allowed is None:
            return 422, f"no role {message['role']}"
        if extra := message.keys() - allowed:
            return 422, f"extra inputs are not permitted: {sorted(extra)}"
        ids = [call["id"] for call in message.get("tool_calls") or ()]
        ids += [message["tool_call_id"]] if message["role"] == "tool" else []
        for given in ids:
            if not NINE.fullmatch(given):
                return 400, f"Tool call id was {given} but must be a-z, A-Z, 0-9, of length 9."
    return None


def _frame(body: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(body).encode() + b"\n\n"


class DialectServers(ThreadedServer):
    """All vendors in one server: the base URL of each is `url_of(vendor)`."""

    def __init__(self) -> None:
        self.vendors = {vendor: OpenAIDialect(vendor) for vendor in VENDORS}
        chats = {f"/{name}/v1/chat/completions": one.chat for name, one in self.vendors.items()}
        ranks = {f"/{name}/v1/rerank": one.rerank for name, one in self.vendors.items()}
        super().__init__(chats | ranks)

    def url_of(self, vendor: str) -> str:
        """Where a vendor's API begins."""
        return f"{self.url}/{vendor}/v1"
