"""What we rely on in Anthropic request bodies, checked."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from legato.api import body as check
from legato.core import capability
from legato.core.wire import RequestView

_ROLES = frozenset({"user", "assistant", "system"})


def messages_view(body: dict[str, Any], *, bound_required: bool = True) -> RequestView:
    """Validate a messages body, or with `bound_required=False` one of count_tokens.

    Raises:
        InvalidRequest: naming the field.
    """
    bound = check.positive(body, "max_tokens")
    if bound is None and bound_required:
        raise check.refuse("max_tokens", "is required")
    check.number(body, "temperature", 0, 1)
    check.number(body, "top_p", 0, 1)
    _check_stops(body.get("stop_sequences"))
    if body.get("tools") is not None:
        _check_tools(body)
    kinds = Counter(_check_content(body.get("system"), "system", required=False))
    kinds.update(_check_messages(body))
    stream = check.boolean(body, "stream")
    return RequestView(
        model=check.model(body),
        stream=stream,
        wants_stream_usage=True,  # message_delta carries it, always
        max_output_tokens=bound,
        user=_user(body),
        image_count=kinds["image"],
        needs=_needs(body, kinds, stream=stream),
    )


def _needs(body: dict[str, Any], kinds: Counter[str], *, stream: bool) -> int:
    needs = capability.CHAT
    if stream:
        needs |= capability.STREAMING
    if kinds["image"]:
        needs |= capability.VISION
    if kinds["document"]:
        needs |= capability.DOCUMENTS
    if body.get("tools"):
        needs |= capability.TOOLS
    thinking = body.get("thinking")
    if isinstance(thinking, dict) and thinking.get("type") != "disabled":
        needs |= capability.REASONING
    output = body.get("output_config")
    if isinstance(output, dict) and output.get("format"):
        needs |= capability.JSON_SCHEMA
    return needs


def _check_messages(body: dict[str, Any]) -> Iterator[str]:
    """Check each message, yield the kinds of its blocks."""
    for position, message in enumerate(check.messages(body)):
        role = message.get("role")
        if not isinstance(role, str) or role not in _ROLES:
            raise check.refuse(f"messages.{position}.role", "must be user, assistant or system")
        content = message.get("content")
        if not isinstance(content, str):
            yield from _check_content(content, f"messages.{position}.content", required=True)


def _check_content(content: Any, param: str, *, required: bool) -> Iterator[str]:
    """Check a string or list of blocks, yield their kinds; of a document's only if it's a file."""
    if isinstance(content, str) or (content is None and not required):
        return
    if not isinstance(content, list):
        raise check.refuse(param, "must be a string or a list of blocks")
    for index, block in enumerate(content):
        kind = block.get("type") if isinstance(block, dict) else None
        if not isinstance(kind, str):
            raise check.refuse(f"{param}.{index}", "must be an object with a type")
        if kind != "document" or _is_file(block):
            yield kind
        if kind == "text" and not isinstance(block.get("text"), str):
            raise check.refuse(f"{param}.{index}.text", "must be a string")
        elif kind == "tool_result" and isinstance(block.get("content"), list):
            place = f"{param}.{index}.content"
            yield from _check_content(block["content"], place, required=True)


def _is_file(block: dict[str, Any]) -> bool:
    """Whether it is a file, not a text that any model can read."""
    source = block.get("source")
    return isinstance(source, dict) and source.get("type") not in {"text", "content"}


def _check_tools(body: dict[str, Any]) -> None:
    for position, tool in enumerate(check.objects(body, "tools")):
        if tool.get("type") in {None, "custom"}:
            if not isinstance(tool.get("name"), str):
                raise check.refuse(f"tools.{position}.name", "is required")
            if not isinstance(tool.get("input_schema"), dict):
                raise check.refuse(f"tools.{position}.input_schema", "is required")


def _check_stops(stops: Any) -> None:
    if stops is None:
        return
    if not isinstance(stops, list) or not all(isinstance(stop, str) for stop in stops):
        raise check.refuse("stop_sequences", "must be a list of strings")


def _user(body: dict[str, Any]) -> str:
    metadata = check.table(body, "metadata")
    if metadata is None:
        return ""
    user = metadata.get("user_id")
    if user is not None and not isinstance(user, str):
        raise check.refuse("metadata.user_id", "must be a string")
    return user or ""
