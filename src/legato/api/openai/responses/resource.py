"""The response object: what was asked, repeated, and what came of it."""

from typing import Any

from legato.core.chat import StopReason
from legato.core.errors import LegatoError
from legato.core.usage import Usage

_RATE_LIMITED = 429
_BAD_REQUEST = 400
_INCOMPLETE = {
    StopReason.LENGTH: "max_output_tokens",
    StopReason.CONTENT_FILTER: "content_filter",
    StopReason.REFUSAL: "content_filter",
}


def repeated(body: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a response that repeat its request, defaults filled in."""
    text = body.get("text") or {}
    tier = body.get("service_tier")
    return {
        "background": False,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "max_tool_calls": body.get("max_tool_calls"),
        "metadata": body.get("metadata") or {},
        "parallel_tool_calls": body.get("parallel_tool_calls") is not False,
        "presence_penalty": body.get("presence_penalty") or 0,
        "frequency_penalty": body.get("frequency_penalty") or 0,
        "previous_response_id": body.get("previous_response_id"),
        "prompt_cache_key": body.get("prompt_cache_key"),
        "reasoning": _reasoning(body.get("reasoning")),
        "safety_identifier": body.get("safety_identifier"),
        "service_tier": tier if tier not in {None, "auto"} else "default",
        "store": body.get("store") is not False,
        "temperature": _number(body, "temperature"),
        "text": {
            "format": text.get("format") or {"type": "text"},
            "verbosity": text.get("verbosity") or "medium",
        },
        "tool_choice": body.get("tool_choice") or "auto",
        "tools": [_tool(tool) for tool in body.get("tools") or ()],
        "top_logprobs": body.get("top_logprobs") or 0,
        "top_p": _number(body, "top_p"),
        "truncation": body.get("truncation") or "disabled",
        "user": body.get("user"),
    }


def usage_object(usage: Usage | None) -> dict[str, Any] | None:
    """Return the usage: `input_tokens` includes what was cached; None where none is known."""
    if usage is None:
        return None
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {
            "cached_tokens": usage.cache_read,
            "cache_write_tokens": usage.cache_write_5m + usage.cache_write_1h,
        },
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.total_tokens,
    }


def incomplete_reason(reason: StopReason, *, refusal_shown: bool) -> str | None:
    """Return why an answer is incomplete; None for a complete one.

    A refusal that is spelled out is a complete answer.
    """
    if reason is StopReason.REFUSAL and refusal_shown:
        return None
    return _INCOMPLETE.get(reason)


def error_object(error: LegatoError) -> dict[str, Any]:
    """Return the `error` of a failed response, under one of the codes its clients know."""
    code = "server_error"
    if error.http_status == _RATE_LIMITED:
        code = "rate_limit_exceeded"
    elif error.http_status == _BAD_REQUEST:
        code = "invalid_prompt"
    return {"code": code, "message": error.message}


def _number(body: dict[str, Any], field: str) -> float:
    value = body.get(field)
    return 1.0 if value is None else value


def _reasoning(asked: dict[str, Any] | None) -> dict[str, Any]:
    asked = asked or {}
    summary = asked.get("summary") or asked.get("generate_summary")
    return {"effort": asked.get("effort"), "summary": summary}


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    if tool.get("type") != "function":
        return tool
    return {"description": None, "parameters": None, "strict": None, **tool}
