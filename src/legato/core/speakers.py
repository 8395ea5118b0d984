"""Who says a message, where the other dialect has no names.

OpenAI has a `name` to tell participants of one role apart. Where there is nobody to tell it from,
it says nothing. An assistant's is never told: the model would begin its answers with it.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec.structs import replace

from legato.core.chat import Part, Text
from legato.core.errors import InvalidRequest


def are_several(messages: list[dict[str, Any]]) -> bool:
    """Whether the users' names differ, or some have none. Raises InvalidRequest."""
    names = set()
    for position, message in enumerate(messages):
        name = message.get("name") or ""
        if not isinstance(name, str):
            field = f"messages.{position}.name"
            raise InvalidRequest(f"{field}: must be a string", param=field)
        if message["role"] == "user":
            names.add(name)
    return len(names) > 1


def said_in_words(name: str, content: Any) -> Any:
    """Return a message's content, in OpenAI's words, with its speaker told in front."""
    if isinstance(content, str):
        return f"{_lead(name)}\n{content}"
    return [{"type": "text", "text": _lead(name)}, *content] if content else content


def said_by(name: str, parts: Iterable[Part]) -> Iterator[Part]:
    """Yield a message's parts with its speaker told in front."""
    lead = _lead(name)
    rest = iter(parts)
    first = next(rest, None)
    if isinstance(first, Text):
        yield replace(first, text=f"{lead}\n{first.text}")
    else:
        yield Text(lead)
        if first is not None:
            yield first
    yield from rest


def _lead(name: str) -> str:
    return f"{name} said:"
