"""Bodies of Converse from the canonical form."""

import re
from typing import Any

import msgspec

from legato.core.chat import ChatRequest, OutputFormat, Tool
from legato.core.errors import InvalidRequest
from legato.core.pictures import without_pictures
from legato.providers.anthropic import thinking
from legato.providers.base import NOT_REPEATED, Repeated, Target
from legato.providers.bedrock.blocks import cache_point, has_tool_blocks, messages_of, system_of
from legato.providers.bedrock.settings import Family

_EMPTY_SCHEMA: dict[str, Any] = {"type": "object", "properties": {}}
_METADATA = re.compile(r"[a-zA-Z0-9\s:_@$#=/+,.-]{1,256}")


def chat_body(chat: ChatRequest, target: Target, family: Family) -> dict[str, Any]:
    """Write a request; whether it streams is said by the path.

    Raises:
        InvalidRequest: naming what Converse, or this family of models, has no place for, unless
            such may be dropped.
    """
    if not chat.drop_unsupported:
        _refuse_unsupported(chat, family)
    body: dict[str, Any] = {
        "messages": messages_of(without_pictures(chat)),
        "system": system_of(chat.system),
        "inferenceConfig": _inference(chat, target),
        "toolConfig": _tools(chat),
        "additionalModelRequestFields": _own_fields(chat, target, family),
        "outputConfig": _output(chat, target.model, family),
    }
    if chat.stop and family == "anthropic":
        body["additionalModelResponseFieldPaths"] = ["/stop_sequence"]
    if chat.user is not None and _METADATA.fullmatch(chat.user):
        body["requestMetadata"] = {"user": chat.user}
    if target.repeated is not NOT_REPEATED:
        _mark(body, target.repeated)
    return {name: value for name, value in body.items() if value or name == "messages"}


def _mark(body: dict[str, Any], repeated: Repeated) -> None:
    """Put points behind what is to be kept: Converse's order is tools, system, messages."""
    point = cache_point({})
    if repeated.head and body.get("system"):
        body["system"] += point
    elif repeated.head and body.get("toolConfig"):
        body["toolConfig"]["tools"] += point
    if repeated.turns:
        body["messages"][-1]["content"] += point


def _refuse_unsupported(chat: ChatRequest, family: Family) -> None:
    """Refuse what others have and this hasn't; a value that says "off" asks for nothing."""
    output, effort = chat.output_format, chat.reasoning_effort
    none_forced = chat.tool_choice is not None and chat.tool_choice.mode == "none"
    asked = {
        "n": chat.choices > 1,
        "seed": chat.seed is not None,
        "logprobs": bool(chat.logprobs),
        "top_logprobs": bool(chat.top_logprobs),
        "presence_penalty": bool(chat.presence_penalty),
        "frequency_penalty": bool(chat.frequency_penalty),
        "verbosity": chat.verbosity not in {None, "medium"},
        "modalities": bool(chat.modalities),
        "temperature": chat.temperature is not None and chat.temperature > 1,
        "top_k": chat.top_k is not None and family == "other",
        "response_format": output is not None and output.schema is None,
        "reasoning_effort": effort not in {None, "none", *thinking.EFFORTS},
        "thinking": chat.thinking_budget_tokens is not None and family != "anthropic",
        "tool_choice": none_forced and has_tool_blocks(chat.messages),
        "parallel_tool_calls": bool(chat.tools) and chat.parallel_tool_calls is False,
        "user": chat.user is not None and not _METADATA.fullmatch(chat.user),
    }
    for field, is_asked in asked.items():
        if is_asked:
            raise InvalidRequest(
                f"{field}: the provider behind this model can't carry this value", param=field
            )


def _inference(chat: ChatRequest, target: Target) -> dict[str, Any]:
    fields = {
        "maxTokens": _bound(chat, target),
        "temperature": None if chat.temperature is None else min(chat.temperature, 1),
        "topP": chat.top_p,
        "stopSequences": list(chat.stop) or None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _bound(chat: ChatRequest, target: Target) -> int | None:
    own = target.output_tokens_max
    return chat.max_output_tokens if own is None else own


def _tools(chat: ChatRequest) -> dict[str, Any] | None:
    """Write tools and choice. Converse can't forbid calls: without tools there are none."""
    if not chat.tools:
        return None
    choice = chat.tool_choice
    mode = choice.mode if choice is not None else ""
    if mode == "none" and not has_tool_blocks(chat.messages):
        return None
    config: dict[str, Any] = {"tools": [entry for tool in chat.tools for entry in _tool(tool)]}
    if mode == "auto":
        config["toolChoice"] = {"auto": {}}
    elif mode == "required":
        config["toolChoice"] = {"any": {}}
    elif mode == "tool" and choice is not None:
        config["toolChoice"] = {"tool": {"name": choice.name}}
    return config


def _tool(tool: Tool) -> list[dict[str, Any]]:
    spec: dict[str, Any] = {
        "name": tool.name,
        "inputSchema": {"json": tool.parameters or _EMPTY_SCHEMA},
    }
    if tool.description:
        spec["description"] = tool.description
    if tool.strict is not None:
        spec["strict"] = tool.strict
    return [{"toolSpec": spec}, *cache_point(tool.cache_control)]


def _own_fields(chat: ChatRequest, target: Target, family: Family) -> dict[str, Any]:
    """Write what only the model knows, not Converse."""
    fields: dict[str, Any] = {}
    if chat.top_k is not None and family == "anthropic":
        fields["top_k"] = chat.top_k
    elif chat.top_k is not None and family == "nova":
        fields["inferenceConfig"] = {"topK": chat.top_k}
    if family == "anthropic":
        thinks = thinking.thinking(chat, target.model, _bound(chat, target))
        if thinks is not None:
            fields["thinking"] = thinks
    return fields


def _output(chat: ChatRequest, model: str, family: Family) -> dict[str, Any]:
    config: dict[str, Any] = {}
    effort = thinking.EFFORTS.get(chat.reasoning_effort or "")
    if family == "anthropic":
        effort = thinking.effort(chat, model)
    if effort is not None:
        config["effort"] = effort
    if chat.output_format is not None and chat.output_format.schema is not None:
        config["textFormat"] = _format(chat.output_format, chat.output_format.schema)
    return config


def _format(output: OutputFormat, schema: dict[str, Any]) -> dict[str, Any]:
    """The schema travels as text."""
    definition = {"schema": msgspec.json.encode(schema).decode()}
    if output.name:
        definition["name"] = output.name
    if output.description:
        definition["description"] = output.description
    return {"type": "json_schema", "structure": {"jsonSchema": definition}}
