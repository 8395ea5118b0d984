"""A resource of Azure OpenAI, as Microsoft documents it.

Built from "Azure OpenAI in Microsoft Foundry Models REST API reference" (data plane, api-version
2024-10-21, and the v1 API), "API version lifecycle", "Content filtering: annotations and error
codes" and "Azure OpenAI quotas and limits" on learn.microsoft.com, read through 2026-11-21.

The last text of the user's says what to do: see `SCRIPTS`. Unknown fields, deployments, versions
and credentials are refused as the service refuses them.
"""

from __future__ import annotations

import base64
import json
import re
import struct
from typing import TYPE_CHECKING, Any

from pictures import colour_in
from plain_server import Reply, Request, WireServer, as_json

from legato.providers.simulated.instances import instance_of

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "azure-resource-key-of-these-tests"
CHAT_DEPLOYMENT, EMBEDDING_DEPLOYMENT = "gpt main/2", "embed-3"
DATED = re.compile(r"/openai/deployments/([^/]+)/(chat/completions|embeddings)")
VERSIONED = re.compile(r"/openai/v1/(chat/completions|embeddings)")
VERSIONS = frozenset({"2024-10-21", "2025-04-01-preview"})
V1_VERSIONS = frozenset({"preview", "v1"})
_CHAT_FIELDS = (
    "audio data_sources frequency_penalty function_call functions logit_bias logprobs "
    "max_completion_tokens max_tokens messages metadata modalities model n parallel_tool_calls "
    "prediction presence_penalty reasoning_effort response_format seed stop store stream "
    "stream_options temperature tool_choice tools top_logprobs top_p user"
)
_EMBEDDING_FIELDS = "dimensions encoding_format input input_type model user"
CHAT_FIELDS = frozenset(_CHAT_FIELDS.split())
EMBEDDING_FIELDS = frozenset(_EMBEDDING_FIELDS.split())
SAFE = {"filtered": False, "severity": "safe"}
FILTERS = dict.fromkeys(("hate", "self_harm", "sexual", "violence"), SAFE)
PROMPT_FILTERS = [{"prompt_index": 0, "content_filter_results": FILTERS}]
CACHED_TOKENS, REASONING_TOKENS, PROMPT_TOKENS = 64, 32, 100
WEATHER = ({"city": "Oslo"}, {"city": "Rome"})
SCRIPTS = ("filtered prompt", "filtered answer", "throttle", "refuse", "reason", "cut", "fail")


class AzureServer(WireServer):
    """One resource; `tokens` are the Entra tokens it takes."""

    def __init__(self, tokens: set[str] | None = None) -> None:
        self.tokens = tokens if tokens is not None else set()
        super().__init__()

    def answer(self, request: Request) -> Reply:
        if not self._is_known(request):
            message = (
                "Access denied due to invalid subscription key or wrong API endpoint. Make sure to"
                " provide a valid key for an active subscription."
            )
            return as_json(401, {"error": {"code": "401", "message": message}})
        version = (request.query.get("api-version") or [None])[0]
        dated, versioned = DATED.fullmatch(request.path), VERSIONED.fullmatch(request.path)
        if dated and version in VERSIONS:
            name, operation = unquoted(dated[1]), dated[2]
        elif versioned and (version is None or version in V1_VERSIONS):
            name, operation = None, versioned[1]
        else:
            return as_json(404, {"error": {"code": "404", "message": "Resource not found"}})
        try:
            body = json.loads(request.body)
        except ValueError:
            return bad("We could not parse the JSON body of your request.")
        wanted = CHAT_DEPLOYMENT if operation.startswith("chat") else EMBEDDING_DEPLOYMENT
        if (body.get("model") if name is None else name) != wanted:
            message = "The API deployment for this resource does not exist."
            return as_json(404, {"error": {"code": "DeploymentNotFound", "message": message}})
        return chat(body) if operation.startswith("chat") else embeddings(body)

    def _is_known(self, request: Request) -> bool:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme:
            return scheme == "Bearer" and token in {*self.tokens, KEY}
        return request.headers.get("api-key") == KEY


def unquoted(name: str) -> str:
    return bytes(re.sub(r"%(..)", lambda m: chr(int(m[1], 16)), name), "latin-1").decode()


def bad(message: str, param: str | None = None, code: str | None = None) -> Reply:
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    return as_json(400, {"error": error})


def checked(body: dict[str, Any]) -> Reply | None:
    if unknown := sorted(body.keys() - CHAT_FIELDS):
        return bad(f"Unrecognized request argument supplied: {unknown[0]}")
    if not isinstance(body.get("messages"), list) or not body["messages"]:
        return bad("'messages' is a required property")
    if body.get("stream_options") and not body.get("stream"):
        return bad("'stream_options' is only allowed when 'stream' is enabled", "stream_options")
    if "max_tokens" in body and "max_completion_tokens" in body:
        return bad("Setting 'max_tokens' and 'max_completion_tokens' at the same time is refused")
    for message in body["messages"]:
        if message["role"] not in {"system", "developer", "user", "assistant", "tool"}:
            return bad(f"'{message['role']}' is not one of the roles", "messages")
        if message["role"] == "tool" and not message.get("tool_call_id"):
            return bad("Missing parameter 'tool_call_id'", "messages")
    return None


def texts_and_images(content: Any) -> tuple[str, list[str]]:
    """The texts, and of each image its colour, "" for one that has not just one."""
    if isinstance(content, str) or content is None:
        return content or "", []
    texts = "".join(part["text"] for part in content if part["type"] == "text")
    images = [part["image_url"]["url"] for part in content if part["type"] == "image_url"]
    colours = []
    for url in images:
        inline = url.startswith("data:")
        raw = base64.b64decode(url.partition(",")[2], validate=True) if inline else b""
        colours.append(colour_in(raw))
    return texts, colours


def script_of(body: dict[str, Any]) -> tuple[str, list[str]]:
    users = [message for message in body["messages"] if message["role"] == "user"]
    return texts_and_images(users[-1]["content"]) if users else ("", [])


def chat(body: dict[str, Any]) -> Reply:
    if (refused := checked(body)) is not None:
        return refused
    said, images = script_of(body)
    if (failed := failure(said)) is not None:
        return failed
    message, finish = message_for(body, said, images)
    usage = usage_for(message, reasons=said == "reason" or "reasoning_effort" in body)
    head = {"id": "chatcmpl-azure1", "created": 1_760_000_000, "model": "gpt-4.1-2025-04-14"}
    if body.get("stream"):
        asked = bool((body.get("stream_options") or {}).get("include_usage"))
        events = stream(head, message, finish, usage if asked else None)
        return Reply(
            headers={"content-type": "text/event-stream; charset=utf-8"},
            parts=events if said != "cut" else first(events, 4),
            cut=said == "cut",
        )
    choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
    choice["content_filter_results"] = FILTERS
    answer = head | {"object": "chat.completion", "choices": [choice], "usage": usage}
    return as_json(200, answer | {"prompt_filter_results": PROMPT_FILTERS})


def failure(said: str) -> Reply | None:
    if said == "filtered prompt":
        error = {
            "message": "The response was filtered due to the prompt triggering Azure OpenAI's"
            " content management policy. Please modify your prompt and retry.",
            "type": None,
            "param": "prompt",
            "code": "content_filter",
            "status": 400,
            "innererror": {
                "code": "ResponsibleAIPolicyViolation",
                "content_filter_result": FILTERS | {"hate": {"filtered": True, "severity": "high"}},
            },
        }
        return as_json(400, {"error": error})
    if said == "throttle":
        message = "Requests have exceeded the token rate limit of your current tier."
        error = {"code": "429", "message": message}
        return as_json(429, {"error": error}, retry_after="1", retry_after_ms="300")
    if said == "fail":
        return as_json(500, {"error": {"code": "500", "message": "Internal server error"}})
    return None


def message_for(body: dict[str, Any], said: str, images: list[str]) -> tuple[dict[str, Any], str]:
    message: dict[str, Any] = {"role": "assistant", "content": None, "refusal": None}
    last = body["messages"][-1]
    if last["role"] == "tool":
        results = [one for one in body["messages"] if one["role"] == "tool"]
        said = "; ".join(texts_and_images(one["content"])[0] for one in results)
        return message | {"content": f"Results: {said}."}, "stop"
    if body.get("tools") and body.get("tool_choice") != "none":
        function = body["tools"][0]["function"]
        must = body.get("tool_choice") not in {None, "auto"}
        given = [instance_of(function["parameters"], b"azure")] if must else WEATHER
        calls = [
            {
                "id": f"call_{number}",
                "type": "function",
                "function": {"name": function["name"], "arguments": json.dumps(arguments)},
            }
            for number, arguments in enumerate(given)
        ]
        if body.get("parallel_tool_calls") is False:
            del calls[1:]
        return message | {"tool_calls": calls}, "tool_calls"
    if said == "refuse":
        return message | {"refusal": "I can't help with that."}, "stop"
    if said == "filtered answer":
        return message | {"content": "The first"}, "content_filter"
    schema = (body.get("response_format") or {}).get("json_schema")
    if schema:
        content = instance_of(schema["schema"], b"azure")
        return message | {"content": json.dumps(content)}, "stop"
    seen = f" I see {len(images)} image(s)." if images else ""
    seen += "".join(f" One is {colour}." for colour in images if colour)
    return message | {"content": f"You said: {said}.{seen}"}, "stop"


def usage_for(message: dict[str, Any], *, reasons: bool) -> dict[str, Any]:
    reasoning = REASONING_TOKENS if reasons else 0
    completion = 10 + reasoning
    return {
        "prompt_tokens": PROMPT_TOKENS,
        "completion_tokens": completion,
        "total_tokens": PROMPT_TOKENS + completion,
        "prompt_tokens_details": {"cached_tokens": CACHED_TOKENS, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": reasoning, "audio_tokens": 0},
    }


def stream(
    head: dict[str, Any], message: dict[str, Any], finish: str, usage: dict[str, Any] | None
) -> Iterator[bytes]:
    blank = {"id": "", "object": "", "created": 0, "model": "", "choices": []}
    yield event(blank | {"prompt_filter_results": PROMPT_FILTERS})
    head = head | {"object": "chat.completion.chunk"}

    def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
        results = FILTERS if delta.get("content") else {}
        choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
        return event(head | {"choices": [choice | {"content_filter_results": results}]})

    yield chunk({"role": "assistant", "content": "", "refusal": None})
    for piece in re.findall(r"\S+\s*", message["content"] or ""):
        yield chunk({"content": piece})
    if message["refusal"]:
        yield chunk({"refusal": message["refusal"]})
    for index, call in enumerate(message.get("tool_calls") or ()):
        arguments = call["function"]["arguments"]
        opened = call | {"index": index, "function": call["function"] | {"arguments": ""}}
        yield chunk({"tool_calls": [opened]})
        for half in (arguments[:5], arguments[5:]):
            yield chunk({"tool_calls": [{"index": index, "function": {"arguments": half}}]})
    yield chunk({}, finish)
    if usage is not None:
        yield event(head | {"choices": [], "usage": usage})
    yield b"data: [DONE]\n\n"


def event(body: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(body).encode() + b"\n\n"


def first(events: Iterator[bytes], count: int) -> Iterator[bytes]:
    for _, one in zip(range(count), events, strict=False):
        yield one


def embeddings(body: dict[str, Any]) -> Reply:
    if unknown := sorted(body.keys() - EMBEDDING_FIELDS):
        return bad(f"Unrecognized request argument supplied: {unknown[0]}")
    given = [body["input"]] if isinstance(body["input"], str) else body["input"]
    size = body.get("dimensions") or 4
    data = []
    for index, text in enumerate(given):
        vector: Any = [float(len(text))] * size
        if body.get("encoding_format") == "base64":
            vector = base64.b64encode(struct.pack(f"<{size}f", *vector)).decode()
        data.append({"object": "embedding", "index": index, "embedding": vector})
    usage = {"prompt_tokens": 7 * len(given), "total_tokens": 7 * len(given)}
    return as_json(
        200, {"object": "list", "data": data, "model": "text-embedding-3", "usage": usage}
    )
