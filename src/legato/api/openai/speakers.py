"""Who says a message, where the other dialect has no names.

OpenAI has a `name` to tell participants of one role apart. Where there is nobody to tell it from,
it says nothing. An assistant's is never told: the model would begin its answers with it.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec.structs import replace

from legato.api.body import refuse
from legato.core.chat import Part, Text


def are_several(messages: list[dict[str, Any]]) -> bool:
    """Whether the users' names differ, or some have none. Raises InvalidRequest."""
    names = set()
    for position, message in enumerate(messages):
        name = message.get("name") or ""
        if not isinstance(name, str):
            raise refuse(f"messages.{position}.name", "must be a string")
        if message["role"] == "user":
            names.add(name)
    return len(names) > 1


def said_by(name: str, parts: Iterable[Part]) -> Iterator[Part]:
    """Yield a message's parts with its speaker told in front."""
    lead = f"{name} said:"
    rest = iter(parts)
    first = next(rest, None)
    if isinstance(first, Text):
        yield replace(first, text=f"{lead}\n{first.text}")
    else:
        yield Text(lead)
        if first is not None:
            yield first
    yield from rest
