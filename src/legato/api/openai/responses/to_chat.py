"""Requests of `/v1/responses` in canonical form."""

from typing import Any

from legato.api import body as check
from legato.api.openai.responses import validation
from legato.api.openai.responses.items import read_items
from legato.api.openai.responses.tools import read_choice, read_tools
from legato.api.unsupported import refuse_unknown
from legato.core.chat import ChatRequest, OutputFormat, Text

_KNOWN = frozenset(
    {
        "model",
        "input",
        "instructions",
        "previous_response_id",
        "store",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "max_output_tokens",
        "temperature",
        "top_p",
        "top_logprobs",
        "presence_penalty",
        "frequency_penalty",
        "text",
        "reasoning",
        "include",
        "user",
        "safety_identifier",
        "stream",
        "stream_options",
    }
)
# Labels and cache hints can't change an answer; `max_tool_calls` counts only tools of the vendor.
_LABELS = frozenset(
    {"metadata", "prompt_cache_key", "prompt_cache_retention", "prompt_cache_options"}
    | {"max_tool_calls"}
)
_NEUTRAL: dict[str, frozenset[Any]] = {
    "background": frozenset({False}),
    "service_tier": frozenset({"auto", "default"}),
    "truncation": frozenset({"disabled"}),
}
_PENALTY_MAX = 2


def read_chat(body: dict[str, Any], *, drop_unsupported: bool) -> ChatRequest:
    """Translate a body whose earlier turns are already in its input.

    Raises:
        InvalidRequest: naming a field that is wrong or that has no canonical form.
    """
    if not drop_unsupported:
        refuse_unknown(body, _KNOWN | _LABELS, neutral=_NEUTRAL)
        _refuse_inner(body)
    items = validation.input_items(body)
    system, messages = read_items(items, drop_unsupported=drop_unsupported)
    instructions = check.text(body, "instructions")
    top_logprobs = validation.top_logprobs(body)
    tools, allowed = read_tools(body, drop_unsupported=drop_unsupported)
    wants_logprobs = "message.output_text.logprobs" in validation.included(body)
    text = check.table(body, "text") or {}
    reasoning = check.table(body, "reasoning") or {}
    return ChatRequest(
        messages=messages,
        system=(Text(instructions), *system) if instructions else system,
        tools=tools,
        tool_choice=read_choice(body, allowed, drop_unsupported=drop_unsupported),
        parallel_tool_calls=_optional_boolean(body, "parallel_tool_calls"),
        max_output_tokens=check.positive(body, "max_output_tokens"),
        temperature=check.number(body, "temperature", 0, 2),
        top_p=check.number(body, "top_p", 0, 1),
        output_format=_output_format(check.table(text, "format")),
        verbosity=check.text(text, "verbosity"),
        logprobs=True if wants_logprobs or top_logprobs else None,
        top_logprobs=top_logprobs or None,
        presence_penalty=check.number(body, "presence_penalty", -_PENALTY_MAX, _PENALTY_MAX),
        frequency_penalty=check.number(body, "frequency_penalty", -_PENALTY_MAX, _PENALTY_MAX),
        reasoning_effort=check.text(reasoning, "effort"),
        user=validation.user_of(body) or None,
        stream=check.boolean(body, "stream"),
        drop_unsupported=drop_unsupported,
    )


def _refuse_inner(body: dict[str, Any]) -> None:
    """Refuse what is unknown one level down."""
    text = check.table(body, "text") or {}
    refuse_unknown(text, {"format", "verbosity"}, neutral={}, place="text.")
    reasoning = check.table(body, "reasoning") or {}
    known = {"effort", "summary", "generate_summary"}
    refuse_unknown(reasoning, known, neutral={}, place="reasoning.")
    options = check.table(body, "stream_options") or {}
    neutral = {"include_obfuscation": frozenset({False})}
    refuse_unknown(options, frozenset(), neutral=neutral, place="stream_options.")


def _optional_boolean(body: dict[str, Any], field: str) -> bool | None:
    return None if body.get(field) is None else check.boolean(body, field)


def _output_format(wire: dict[str, Any] | None) -> OutputFormat | None:
    if wire is None or wire.get("type") == "text":
        return None
    if wire.get("type") == "json_object":
        return OutputFormat()
    if wire.get("type") != "json_schema":
        raise check.refuse("text.format.type", "must be text, json_object or json_schema")
    schema = wire.get("schema")
    if not isinstance(schema, dict):
        raise check.refuse("text.format.schema", "must be an object")
    return OutputFormat(
        schema,
        check.text(wire, "name") or "",
        _optional_boolean(wire, "strict"),
        check.text(wire, "description") or "",
    )
