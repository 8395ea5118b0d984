"""A rendered prompt before a chat completions request."""

from typing import Any

from legato.api import body as check
from legato.api.prompts import with_defaults
from legato.core.chat import ChatRequest, Image, Message, OutputFormat, Text


def with_prompt(body: dict[str, Any], prompt: ChatRequest) -> dict[str, Any]:
    """Return the body with the prompt's messages first and its parameters as defaults.

    Raises:
        InvalidRequest: the caller's messages are no list.
    """
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": text.text} for text in prompt.system
    ]
    messages += [_message(message) for message in prompt.messages]
    bounded = body.get("max_tokens") is not None
    defaults = {
        "temperature": prompt.temperature,
        "top_p": prompt.top_p,
        "max_completion_tokens": None if bounded else prompt.max_output_tokens,
        "stop": list(prompt.stop) or None,
        "seed": prompt.seed,
        "frequency_penalty": prompt.frequency_penalty,
        "presence_penalty": prompt.presence_penalty,
        "reasoning_effort": prompt.reasoning_effort,
        "response_format": _response_format(prompt.output_format),
    }
    messages += check.objects(body, "messages")
    return {**with_defaults(body, defaults), "messages": messages}


def _message(message: Message) -> dict[str, Any]:
    parts = message.parts
    if len(parts) == 1 and isinstance(parts[0], Text):
        return {"role": message.role.value, "content": parts[0].text}
    written = [_part(part) for part in parts if isinstance(part, Text | Image)]
    return {"role": message.role.value, "content": written}


def _part(part: Text | Image) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    detail = {} if part.detail is None else {"detail": part.detail}
    return {"type": "image_url", "image_url": {"url": address(part), **detail}}


def address(image: Image) -> str:
    """Return where an image is, its data included where it has no other place."""
    return image.url or f"data:{image.media_type};base64,{image.data}"


def _response_format(output: OutputFormat | None) -> dict[str, Any] | None:
    if output is None or output.schema is None:
        return None
    schema = {"name": output.name, "schema": output.schema}
    return {"type": "json_schema", "json_schema": schema}
