"""What was asked through any dialect, as the messages of chat completions."""

from typing import Any

from legato.api.anthropic.to_chat import read_chat as read_messages
from legato.api.openai.responses.to_chat import read_chat as read_response
from legato.core.errors import InvalidRequest
from legato.providers.base import Target
from legato.providers.openai_compatible.chat_to_wire import chat_body
from legato.providers.openai_compatible.presets import Preset


def asked(surface: str, body: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    """Return the messages of a request's body, instructions first.

    Raises:
        InvalidRequest: it asks for no chat.
    """
    if surface == "chat_completions":
        return tuple(body["messages"])
    if surface == "completions" and isinstance(body.get("prompt"), str):
        return ({"role": "user", "content": body["prompt"]},)
    if surface == "messages":
        chat = read_messages(body, drop_unsupported=True, bound_required=False)
    elif surface == "responses":
        chat = read_response(body, drop_unsupported=True)
    else:
        raise InvalidRequest(f"{surface or 'this'} is no chat", param="surface")
    return tuple(chat_body(chat, Target("", drop_unsupported=True), Preset())["messages"])
