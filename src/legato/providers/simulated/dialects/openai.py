"""OpenAI's chat completions, embeddings, models and errors."""

from collections.abc import Iterator
from typing import Any

import msgspec

from legato.providers.simulated.answers import Choice, Question, ToolCall
from legato.providers.simulated.dialects.base import CREATED_S, Reply
from legato.providers.simulated.dialects.openai_stream import ChatStream
from legato.providers.simulated.dialects.openai_usage import logprobs_of, usage_of
from legato.providers.simulated.dialects.openai_wire import chat_question
from legato.providers.simulated.embeddings import base64_floats, unit_vector
from legato.providers.simulated.sse import Event
from legato.providers.simulated.usage import Usage

OWNER = "legato-simulated"
FINGERPRINT = "simulated"

_ERROR_TYPES = {
    401: ("authentication_error", "invalid_api_key"),
    403: ("permission_error", None),
    404: ("invalid_request_error", "model_not_found"),
    408: ("timeout_error", None),
    429: ("requests", "rate_limit_exceeded"),
}
FIRST_SERVER_ERROR = 500


class OpenAIDialect:
    """Chat completions as OpenAI's API speaks them."""

    def question(self, body: bytes) -> Question:
        """Parse a request. Raises `Refusal` with 400."""
        return chat_question(body)

    def whole(self, reply: Reply) -> bytes:
        """The body of a whole answer."""
        question = reply.question
        body: dict[str, Any] = {
            "id": f"chatcmpl-simulated-{reply.number}",
            "object": "chat.completion",
            "created": CREATED_S,
            "model": question.model,
            "choices": [
                _choice(choice, index, question.top_logprobs)
                for index, choice in enumerate(reply.answer.choices)
            ],
            "service_tier": "default",
            "system_fingerprint": FINGERPRINT,
        }
        if reply.usage_shape != "missing":
            body["usage"] = usage_of(reply.reported)
        return msgspec.json.encode(body)

    def events(self, reply: Reply) -> Iterator[Event]:
        """The events of a streamed answer."""
        return ChatStream(reply).events()

    def error(self, status: int, message: str, param: str | None) -> bytes:
        """The body of an error."""
        return msgspec.json.encode({"error": _error(status, message, param)})

    def error_event(self, message: str) -> bytes:
        """An error in the middle of a stream; no [DONE] follows it."""
        error = _error(FIRST_SERVER_ERROR, message, None)
        return b"data: " + msgspec.json.encode({"error": error}) + b"\n\n"


def embeddings_body(
    texts: list[str], model: str, dimensions: int, reported: Usage, *, as_base64: bool
) -> bytes:
    """The body of an embeddings answer."""
    vectors = [unit_vector(text, model, dimensions) for text in texts]
    return msgspec.json.encode(
        {
            "object": "list",
            "data": [
                {
                    "object": "embedding",
                    "index": index,
                    "embedding": base64_floats(vector) if as_base64 else vector,
                }
                for index, vector in enumerate(vectors)
            ],
            "model": model,
            "usage": {"prompt_tokens": reported.prompt, "total_tokens": reported.prompt},
        }
    )


def model_entry(name: str) -> dict[str, Any]:
    """A model as the models endpoint lists it."""
    return {"id": name, "object": "model", "created": CREATED_S, "owned_by": OWNER}


def _error(status: int, message: str, param: str | None) -> dict[str, Any]:
    fallback = "server_error" if status >= FIRST_SERVER_ERROR else "invalid_request_error"
    kind, code = _ERROR_TYPES.get(status, (fallback, None))
    return {"message": message, "type": kind, "param": param, "code": code}


def _choice(choice: Choice, index: int, top_logprobs: int | None) -> dict[str, Any]:
    called = [_tool_call(call) for call in choice.tool_calls]
    message: dict[str, Any] = {
        "role": "assistant",
        "content": None if called else "".join(choice.pieces),
        "refusal": None,
    }
    if called:
        message["tool_calls"] = called
    return {
        "index": index,
        "message": message,
        "logprobs": logprobs_of(choice.pieces, top_logprobs),
        "finish_reason": choice.finish,
    }


def _tool_call(call: ToolCall) -> dict[str, Any]:
    function = {"name": call.name, "arguments": "".join(call.pieces)}
    return {"id": f"call_{call.identity}", "type": "function", "function": function}
