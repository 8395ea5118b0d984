"""What we rely on in OpenAI request bodies, checked."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from legato.api import body as check
from legato.api.documents import is_text
from legato.core import capability
from legato.core.wire import RequestView

_ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})
_CHOICES_MAX = 128
_STOPS_MAX = 16


def chat_view(body: dict[str, Any]) -> RequestView:
    """Validate a chat completions body; fields not named here pass unread.

    Raises:
        InvalidRequest: naming the field.
    """
    stream = check.boolean(body, "stream")
    options = check.table(body, "stream_options")
    bounds = (check.positive(body, "max_completion_tokens"), check.positive(body, "max_tokens"))
    check.number(body, "temperature", 0, 2)
    check.number(body, "top_p", 0, 1)
    _check_stop(body.get("stop"))
    needs = capability.CHAT
    if body.get("tools") is not None:
        _check_tools(body)
        needs |= capability.TOOLS if body["tools"] else 0
    kinds = _check_messages(body)
    for kind, need in _CONTENT_NEEDS.items():
        needs |= need if kinds[kind] else 0
    return RequestView(
        model=check.model(body),
        stream=stream,
        wants_stream_usage=stream and options is not None and _wants_usage(options),
        # both pass, and a server obeys the one it knows
        max_output_tokens=max((bound for bound in bounds if bound is not None), default=None),
        choices=check.positive(body, "n", _CHOICES_MAX) or 1,
        user=check.text(body, "user") or "",
        image_count=kinds["image_url"],
        needs=needs | _mode_needs(body, stream=stream),
    )


def _mode_needs(body: dict[str, Any], *, stream: bool) -> int:
    """What is needed beside the messages; a malformed field is for those who read it to refuse."""
    needs = capability.STREAMING if stream else 0
    output = body.get("response_format")
    if isinstance(output, dict):
        needs |= _OUTPUT_NEEDS.get(str(output.get("type")), 0)
    if body.get("reasoning_effort") not in {None, "none"}:
        needs |= capability.REASONING
    return needs


_OUTPUT_NEEDS = {"json_object": capability.JSON_OBJECT, "json_schema": capability.JSON_SCHEMA}


_CONTENT_NEEDS = {
    "image_url": capability.VISION,
    "input_audio": capability.AUDIO,
    "file": capability.DOCUMENTS,
}


def _wants_usage(options: dict[str, Any]) -> bool:
    wants = options.get("include_usage")
    if wants is not None and not isinstance(wants, bool):
        raise check.refuse("stream_options.include_usage", "must be true or false")
    return bool(wants)


def _check_messages(body: dict[str, Any]) -> Counter[str]:
    """Check each message, return how many parts of each kind they hold."""
    kinds: Counter[str] = Counter()
    for position, message in enumerate(check.messages(body)):
        role = message.get("role")
        if not isinstance(role, str) or role not in _ROLES:
            raise check.refuse(
                f"messages.{position}.role", f"must be one of {', '.join(sorted(_ROLES))}"
            )
        content = message.get("content")
        if isinstance(content, str):
            continue
        if isinstance(content, list):
            kinds.update(_check_parts(content, position))
        elif content is not None:
            raise check.refuse(
                f"messages.{position}.content", "must be a string or a list of parts"
            )
        elif role in {"user", "system", "developer", "tool"}:
            raise check.refuse(f"messages.{position}.content", f"is required for role {role}")
    return kinds


def _check_parts(parts: list[Any], position: int) -> Iterator[str]:
    for index, part in enumerate(parts):
        kind = part.get("type") if isinstance(part, dict) else None
        if not isinstance(kind, str):
            raise check.refuse(
                f"messages.{position}.content.{index}", "must be an object with a type"
            )
        if kind == "text" and not isinstance(part.get("text"), str):
            raise check.refuse(f"messages.{position}.content.{index}.text", "must be a string")
        if kind != "file" or not is_text(part.get("file")):
            yield kind


def _check_tools(body: dict[str, Any]) -> None:
    for position, tool in enumerate(check.objects(body, "tools")):
        if not isinstance(tool.get("type"), str):
            raise check.refuse(f"tools.{position}.type", "is required")
        if tool["type"] == "function":
            function = tool.get("function")
            if not isinstance(function, dict) or not isinstance(function.get("name"), str):
                raise check.refuse(f"tools.{position}.function.name", "is required")


def _check_stop(stop: Any) -> None:
    if stop is None or isinstance(stop, str):
        return
    if not isinstance(stop, list) or not all(isinstance(item, str) for item in stop):
        raise check.refuse("stop", "must be a string or a list of strings")
    if len(stop) > _STOPS_MAX:
        raise check.refuse("stop", f"at most {_STOPS_MAX} sequences")


def embeddings_view(body: dict[str, Any]) -> RequestView:
    """Validate an embeddings body: `input` is text, texts, tokens or lists of tokens.

    Raises:
        InvalidRequest: naming the field.
    """
    given = body.get("input")
    if not isinstance(given, str | list) or not given:
        raise check.refuse("input", "must be a non-empty string or list")
    if isinstance(given, list) and not isinstance(given[0], str | int | list):
        raise check.refuse("input.0", "must be a string, a token or a list of tokens")
    encoding = body.get("encoding_format")
    if encoding is not None and encoding not in {"float", "base64"}:
        raise check.refuse("encoding_format", "must be float or base64")
    check.positive(body, "dimensions")
    return RequestView(
        model=check.model(body),
        user=check.text(body, "user") or "",
        needs=capability.EMBEDDINGS,
    )
