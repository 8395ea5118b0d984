"""A rendered prompt before a messages request."""

from typing import Any

from legato.api import body as check
from legato.api.prompts import refuse_parameters, refused_parameter, with_defaults
from legato.core.chat import ChatRequest, Image, Message, Text

_SURFACE = "messages"
_TEMPERATURE_MAX = 1


def with_prompt(
    body: dict[str, Any], prompt: ChatRequest, *, drop_unsupported: bool
) -> dict[str, Any]:
    """Return the body: system texts before the caller's, messages before the caller's.

    Neighbours of one role become one message, as the vendor makes them anyway.

    Raises:
        InvalidRequest: the prompt sets a parameter that this dialect hasn't.
    """
    if not drop_unsupported:
        refuse_parameters(prompt, _SURFACE, "seed", "frequency_penalty", "presence_penalty")
    defaults = {
        "max_tokens": prompt.max_output_tokens,
        "temperature": _temperature(prompt.temperature, drop_unsupported=drop_unsupported),
        "top_p": prompt.top_p,
        "stop_sequences": list(prompt.stop) or None,
        "output_config": _output_config(body, prompt),
    }
    whole = with_defaults({**body, "output_config": None}, defaults)
    if prompt.system:
        texts = [{"type": "text", "text": text.text} for text in prompt.system]
        whole["system"] = texts + _blocks(body.get("system"), "system")
    messages: list[dict[str, Any]] = []
    for message in prompt.messages:
        _add(messages, message.role.value, _written(message))
    own = check.objects(body, "messages")
    if messages and own and own[0].get("role") == messages[-1]["role"]:
        _add(messages, messages[-1]["role"], _blocks(own[0].get("content"), "messages.0.content"))
        own = own[1:]
    whole["messages"] = messages + own
    return whole


def _add(messages: list[dict[str, Any]], role: str, blocks: list[Any]) -> None:
    if messages and messages[-1]["role"] == role:
        messages[-1]["content"] += blocks
    else:
        messages.append({"role": role, "content": blocks})


def _written(message: Message) -> list[dict[str, Any]]:
    return [_block(part) for part in message.parts if isinstance(part, Text | Image)]


def _block(part: Text | Image) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    if part.url is not None:
        return {"type": "image", "source": {"type": "url", "url": part.url}}
    source = {"type": "base64", "media_type": part.media_type, "data": part.data}
    return {"type": "image", "source": source}


def _blocks(content: Any, param: str) -> list[Any]:
    if content is None or content == "":
        return []
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if not isinstance(content, list):
        raise check.refuse(param, "must be a string or a list of blocks")
    return content


def _temperature(temperature: float | None, *, drop_unsupported: bool) -> float | None:
    if temperature is None or temperature <= _TEMPERATURE_MAX:
        return temperature
    if not drop_unsupported:
        raise refused_parameter(f"a temperature over {_TEMPERATURE_MAX}", _SURFACE)
    return _TEMPERATURE_MAX


def _output_config(body: dict[str, Any], prompt: ChatRequest) -> dict[str, Any] | None:
    output, own = prompt.output_format, check.table(body, "output_config") or {}
    defaults: dict[str, Any] = {"effort": prompt.reasoning_effort}
    if output is not None and body.get("output_format") is None:
        defaults["format"] = {"type": "json_schema", "schema": output.schema}
    return with_defaults(own, defaults) or None
