"""Pictures that a model answered with, as OpenRouter has them in chat completions: `images`."""

import re
from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from legato.core.chat import ChatRequest, Image, Message, Role
from legato.core.errors import InvalidRequest

_DATA_URL = re.compile(r"data:(image/[\w.+-]+);base64,(.*)", re.DOTALL)


def picture(image: Image, index: int) -> dict[str, Any]:
    """Return one of `images`."""
    url = image.url or f"data:{image.media_type};base64,{image.data}"
    return {"type": "image_url", "index": index, "image_url": {"url": url}}


def read_pictures(given: Any) -> Iterator[Image]:
    """Yield the pictures of `images`; what is none of them isn't taken for one."""
    for one in given if isinstance(given, list) else ():
        shown = one.get("image_url") if isinstance(one, dict) else None
        url = shown.get("url") if isinstance(shown, dict) else None
        if not isinstance(url, str):
            continue
        found = _DATA_URL.fullmatch(url)
        yield Image(url) if found is None else Image(None, found[1], found[2])


def without_pictures(chat: ChatRequest) -> tuple[Message, ...]:
    """Return the turns for a dialect whose models never answered with pictures.

    Raises:
        InvalidRequest: there is one among the assistant's, and nothing may be dropped.
    """
    turns = []
    for position, message in enumerate(chat.messages):
        parts = tuple(part for part in message.parts if not isinstance(part, Image))
        if message.role is not Role.ASSISTANT or len(parts) == len(message.parts):
            turns.append(message)
            continue
        if not chat.drop_unsupported:
            raise InvalidRequest(
                "the provider behind this model takes no pictures as a model's own; leave them "
                "out, or set drop_unsupported on the route",
                param=f"messages.{position}",
            )
        if parts:
            turns.append(replace(message, parts=parts))
    return tuple(turns)
