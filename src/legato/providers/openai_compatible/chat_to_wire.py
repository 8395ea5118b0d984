"""OpenAI request bodies from the canonical form."""

from collections.abc import Iterator
from typing import Any

from legato.core.chat import (
    ChatRequest,
    Document,
    Image,
    Message,
    OutputFormat,
    Refusal,
    Role,
    Text,
    Thinking,
    Tool,
    ToolChoice,
    ToolResult,
    ToolUse,
)
from legato.core.documents import as_texts, refuse_citing, refused_document
from legato.core.errors import InvalidRequest
from legato.core.pictures import without_pictures
from legato.core.reasoning_details import details
from legato.providers.base import Target
from legato.providers.openai_compatible import mistral
from legato.providers.openai_compatible.presets import Preset
from legato.providers.openai_compatible.to_wire import fit

# Anthropic's thinking budget in tokens, up to and including, as OpenAI's effort; more is high.
_EFFORT_BY_BUDGET = ((4096, "low"), (16384, "medium"))


def chat_body(chat: ChatRequest, target: Target, preset: Preset) -> dict[str, Any]:
    """Write a chat request.

    Cache hints, signatures and encrypted reasoning have no place in this dialect and are left
    out; they change what an answer costs or how it is checked, not what is asked.

    Raises:
        InvalidRequest: a field the vendor hasn't, where nothing may be dropped.
    """
    if chat.top_k is not None and not (preset.top_k or chat.drop_unsupported):
        raise InvalidRequest("top_k: the provider behind this model has none", param="top_k")
    if not chat.drop_unsupported:
        refuse_citing(chat.messages)
    bound = chat.max_output_tokens if target.output_tokens_max is None else target.output_tokens_max
    fields: dict[str, Any] = {
        preset.output_bound: bound,
        "temperature": chat.temperature,
        "top_p": chat.top_p,
        "top_k": chat.top_k if preset.top_k else None,
        "stop": list(chat.stop) or None,
        "seed": chat.seed,
        "n": chat.choices if chat.choices > 1 else None,
        "logprobs": chat.logprobs,
        "top_logprobs": chat.top_logprobs,
        "presence_penalty": chat.presence_penalty,
        "frequency_penalty": chat.frequency_penalty,
        "reasoning_effort": chat.reasoning_effort or _effort(chat.thinking_budget_tokens),
        "verbosity": chat.verbosity,
        "modalities": list(chat.modalities) or None,
        "user": chat.user,
        "tools": [_tool(tool) for tool in chat.tools] or None,
        "tool_choice": _tool_choice(chat.tool_choice) if chat.tool_choice else None,
        "parallel_tool_calls": chat.parallel_tool_calls if chat.tools else None,
        "response_format": _response_format(chat.output_format) if chat.output_format else None,
        "stream": chat.stream or None,
        "stream_options": {"include_usage": True} if chat.stream and preset.stream_usage else None,
    }
    wire = {
        "model": target.model,
        "messages": list(_messages(chat, preset)),
        **{name: value for name, value in fields.items() if value is not None},
    }
    fit(wire, preset, drop_unsupported=chat.drop_unsupported)
    return wire


def _effort(budget_tokens: int | None) -> str | None:
    if budget_tokens is None:
        return None
    for limit, effort in _EFFORT_BY_BUDGET:
        if budget_tokens <= limit:
            return effort
    return "high"


def _tool(tool: Tool) -> dict[str, Any]:
    function: dict[str, Any] = {"name": tool.name, "parameters": tool.parameters}
    if tool.description:
        function["description"] = tool.description
    if tool.strict is not None:
        function["strict"] = tool.strict
    return {"type": "function", "function": function}


def _tool_choice(choice: ToolChoice) -> str | dict[str, Any]:
    if choice.mode == "tool":
        return {"type": "function", "function": {"name": choice.name}}
    return choice.mode


def _response_format(output: OutputFormat) -> dict[str, Any]:
    if output.schema is None:
        return {"type": "json_object"}
    schema: dict[str, Any] = {"name": output.name or "answer", "schema": output.schema}
    if output.strict is not None:
        schema["strict"] = output.strict
    if output.description:
        schema["description"] = output.description
    return {"type": "json_schema", "json_schema": schema}


def _messages(chat: ChatRequest, preset: Preset) -> Iterator[dict[str, Any]]:
    if chat.system:
        yield {"role": "system", "content": _content(chat.system)}
    for position, message in enumerate(as_texts(without_pictures(chat))):
        if message.role is Role.ASSISTANT:
            yield _assistant(message, preset)
        else:
            yield from _user(message, preset, f"messages.{position}")


def _user(message: Message, preset: Preset, place: str) -> Iterator[dict[str, Any]]:
    """Tool results become messages of their own, ahead of the text they came with.

    A tool's message holds text only here: its images and files follow in the user's message.
    """
    shown: list[Text | Image | Document] = []
    for part in message.parts:
        if isinstance(part, ToolResult):
            texts = [item for item in part.content if isinstance(item, Text)]
            shown += [item for item in part.content if not isinstance(item, Text)]
            yield {"role": "tool", "tool_call_id": part.tool_use_id, "content": _content(texts)}
    shown += [part for part in message.parts if isinstance(part, Text | Image | Document)]
    if len(shown) == 1 and isinstance(shown[0], Text):
        yield {"role": "user", "content": shown[0].text}
    elif shown:
        yield {"role": "user", "content": [_part(part, preset, place) for part in shown]}


def _assistant(message: Message, preset: Preset) -> dict[str, Any]:
    texts = [part for part in message.parts if isinstance(part, Text)]
    wire: dict[str, Any] = {"role": "assistant", "content": _content(texts) if texts else None}
    calls = [_call(part) for part in message.parts if isinstance(part, ToolUse)]
    if calls:
        wire["tool_calls"] = calls
    refusal = "".join(part.text for part in message.parts if isinstance(part, Refusal))
    if refusal:
        wire["refusal"] = refusal
    thought = "".join(part.text for part in message.parts if isinstance(part, Thinking))
    if thought and (preset.reasoning_content or preset.mistral_messages):
        wire["reasoning_content"] = thought
    sealed = details(message.parts) if preset.reasoning_details else []
    if sealed:
        wire["reasoning_details"] = sealed
    if len(wire) == 2 and wire["content"] is None:  # noqa: PLR2004 -- only role and content
        wire["content"] = ""
    return wire


def _call(use: ToolUse) -> dict[str, Any]:
    function = {"name": use.name, "arguments": use.arguments}
    return {"id": use.id, "type": "function", "function": function}


def _content(parts: list[Text] | tuple[Text, ...]) -> Any:
    """A plain string where it does, since some upstreams take nothing else."""
    if len(parts) < 2:  # noqa: PLR2004 -- one at most
        return "".join(part.text for part in parts)
    return [{"type": "text", "text": part.text} for part in parts]


def _part(part: Text | Image | Document, preset: Preset, place: str) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    return _image(part) if isinstance(part, Image) else _file(part, preset, place)


def _file(document: Document, preset: Preset, place: str) -> dict[str, Any]:
    """Write a document that is a file: OpenAI's chat completions take the bytes of a PDF."""
    name = document.title or "document.pdf"
    if document.url is not None and preset.mistral_messages:
        return mistral.document(document.url, name)
    if document.url is not None:
        raise refused_document("takes documents by their bytes only", place)
    if document.media_type != "application/pdf":
        raise refused_document("takes documents as PDF or text", place)
    url = f"data:{document.media_type};base64,{document.data}"
    return {"type": "file", "file": {"filename": name, "file_data": url}}


def _image(image: Image) -> dict[str, Any]:
    url = image.url or f"data:{image.media_type};base64,{image.data}"
    wire: dict[str, Any] = {"url": url}
    if image.detail is not None:
        wire["detail"] = image.detail
    return {"type": "image_url", "image_url": wire}
