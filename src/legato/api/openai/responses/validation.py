"""What we rely on in a body of `/v1/responses`, checked."""

from types import MappingProxyType
from typing import Any

from legato.api import body as check
from legato.api.documents import is_text
from legato.core import capability
from legato.core.errors import InvalidRequest

ROLES = frozenset({"user", "assistant", "system", "developer"})
INCLUDABLE = frozenset(
    {
        "reasoning.encrypted_content",
        "message.output_text.logprobs",
        "message.input_image.image_url",
        # of tools that are refused themselves: asking for their details asks for nothing
        "code_interpreter_call.outputs",
        "computer_call_output.output.image_url",
        "file_search_call.results",
        "web_search_call.results",
        "web_search_call.action.sources",
    }
)
_TOP_LOGPROBS_MAX = 20
_OUTPUT_NEEDS = MappingProxyType(
    {"json_object": capability.JSON_OBJECT, "json_schema": capability.JSON_SCHEMA}
)
_METADATA_MAX = 16
_METADATA_NAME_MAX = 64
_METADATA_VALUE_MAX = 512


def input_items(body: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the input as a list of items.

    Raises:
        InvalidRequest: it is neither text nor a list of items.
    """
    given = body.get("input")
    if isinstance(given, str):
        content = [{"type": "input_text", "text": given}]
        return [{"type": "message", "role": "user", "content": content}]
    if given is None and (body.get("previous_response_id") or body.get("instructions")):
        return []
    if not isinstance(given, list):
        raise check.refuse("input", "must be a string or a list of items")
    return check.objects(body, "input")


def check_fields(body: dict[str, Any]) -> None:
    """Check the fields that are read wherever the call goes.

    Raises:
        InvalidRequest: naming the field.
    """
    if check.boolean(body, "background"):
        msg = "background: responses are answered on the same connection here; leave it out"
        raise InvalidRequest(msg, param="background")
    check.number(body, "temperature", 0, 2)
    check.number(body, "top_p", 0, 1)
    top_logprobs(body)
    for field in ("instructions", "previous_response_id", "prompt_cache_key", "service_tier"):
        check.text(body, field)
    for field in ("text", "reasoning"):
        check.table(body, field)
    check.text(body.get("reasoning") or {}, "effort")
    check.boolean(body, "store")
    user_of(body)
    _check_metadata(check.table(body, "metadata"))
    included(body)
    for position, tool in enumerate(check.objects(body, "tools")):
        if not isinstance(tool.get("type"), str):
            raise check.refuse(f"tools.{position}.type", "is required")
        if tool["type"] in {"function", "custom"} and not isinstance(tool.get("name"), str):
            raise check.refuse(f"tools.{position}.name", "is required")
    options = check.table(body, "stream_options")
    if options is not None:
        check.boolean(options, "include_obfuscation")


def user_of(body: dict[str, Any]) -> str:
    """Return who the caller calls for."""
    return check.text(body, "safety_identifier") or check.text(body, "user") or ""


def stored(body: dict[str, Any]) -> bool:
    """Return whether the answer shall be kept: by default it is."""
    return body.get("store") is None or check.boolean(body, "store")


def included(body: dict[str, Any]) -> frozenset[str]:
    """Return what `include` asks for."""
    given = body.get("include")
    if given is None:
        return frozenset()
    if not isinstance(given, list):
        raise check.refuse("include", "must be a list")
    for position, name in enumerate(given):
        if not isinstance(name, str) or name not in INCLUDABLE:
            known = ", ".join(sorted(INCLUDABLE))
            raise check.refuse(f"include.{position}", f"must be one of {known}")
    return frozenset(given)


def top_logprobs(body: dict[str, Any]) -> int | None:
    """Return how many alternatives of each token are wanted."""
    given = body.get("top_logprobs")
    if given is not None and (type(given) is not int or not 0 <= given <= _TOP_LOGPROBS_MAX):
        raise check.refuse("top_logprobs", f"must be an integer from 0 to {_TOP_LOGPROBS_MAX}")
    return given


def parts_in(items: list[dict[str, Any]], kind: str) -> int:
    """Count the parts of a kind, such as `input_image`, among input items."""
    count = 0
    for item in items:
        for field in ("content", "output"):
            parts = item.get(field)
            if isinstance(parts, list):
                count += sum(
                    isinstance(part, dict) and part.get("type") == kind and not is_text(part)
                    for part in parts
                )
    return count


def needs_of(body: dict[str, Any], *, images: int, files: int) -> int:
    """Return what a deployment must be able to do to serve this."""
    needs = capability.CHAT
    needs |= capability.TOOLS if body.get("tools") else 0
    needs |= capability.VISION if images else 0
    needs |= capability.DOCUMENTS if files else 0
    needs |= capability.STREAMING if body.get("stream") else 0
    form = (body.get("text") or {}).get("format")
    needs |= _OUTPUT_NEEDS.get(str(form.get("type")), 0) if isinstance(form, dict) else 0
    effort = (body.get("reasoning") or {}).get("effort")
    return needs | (capability.REASONING if effort not in {None, "none"} else 0)


def _check_metadata(metadata: dict[str, Any] | None) -> None:
    if metadata is None:
        return
    if len(metadata) > _METADATA_MAX:
        raise check.refuse("metadata", f"at most {_METADATA_MAX} pairs")
    for name, value in metadata.items():
        if len(name) > _METADATA_NAME_MAX or not isinstance(value, str):
            raise check.refuse("metadata", f"names up to {_METADATA_NAME_MAX}, values are strings")
        if len(value) > _METADATA_VALUE_MAX:
            raise check.refuse(f"metadata.{name}", f"longer than {_METADATA_VALUE_MAX}")
