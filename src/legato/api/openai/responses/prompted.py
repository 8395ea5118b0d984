"""A rendered prompt before a request of responses."""

from typing import Any

from legato.api import body as check
from legato.api.openai.prompted import address
from legato.api.openai.responses import validation
from legato.api.prompts import refuse_parameters, with_defaults
from legato.core.chat import ChatRequest, Image, Message, OutputFormat, Role, Text


def with_prompt(
    body: dict[str, Any], prompt: ChatRequest, *, drop_unsupported: bool
) -> dict[str, Any]:
    """Return the body: system texts before the instructions, messages before the input.

    In a conversation they come after the turns before this one.

    Raises:
        InvalidRequest: the prompt sets a parameter that responses have no field for.
    """
    if not drop_unsupported:
        refuse_parameters(prompt, "responses", "stop", "seed")
    defaults = {
        "max_output_tokens": prompt.max_output_tokens,
        "temperature": prompt.temperature,
        "top_p": prompt.top_p,
        "frequency_penalty": prompt.frequency_penalty,
        "presence_penalty": prompt.presence_penalty,
    }
    whole = with_defaults(body, defaults)
    own = check.text(body, "instructions")
    if prompt.system:
        texts = [text.text for text in prompt.system]
        whole["instructions"] = "\n\n".join([*texts, own] if own else texts)
    if prompt.messages:
        items = [_item(message) for message in prompt.messages]
        own_items = validation.input_items(body) if body.get("input") is not None else []
        whole["input"] = items + own_items
    return whole | _inner_defaults(body, prompt)


def _inner_defaults(body: dict[str, Any], prompt: ChatRequest) -> dict[str, Any]:
    """Return the tables of the body with the prompt's defaults in them."""
    found = {}
    if prompt.output_format is not None:
        form = {"format": _format(prompt.output_format)}
        found["text"] = with_defaults(check.table(body, "text") or {}, form)
    if prompt.reasoning_effort is not None:
        effort = {"effort": prompt.reasoning_effort}
        found["reasoning"] = with_defaults(check.table(body, "reasoning") or {}, effort)
    return found


def _item(message: Message) -> dict[str, Any]:
    if message.role is Role.ASSISTANT:
        texts = [part.text for part in message.parts if isinstance(part, Text)]
        return {"type": "message", "role": "assistant", "content": "\n\n".join(texts)}
    parts = [_part(part) for part in message.parts if isinstance(part, Text | Image)]
    return {"type": "message", "role": "user", "content": parts}


def _part(part: Text | Image) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"type": "input_text", "text": part.text}
    return {"type": "input_image", "image_url": address(part), "detail": part.detail or "auto"}


def _format(output: OutputFormat) -> dict[str, Any] | None:
    if output.schema is None:
        return None
    return {"type": "json_schema", "name": output.name, "schema": output.schema}
