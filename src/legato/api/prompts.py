"""What the dialects share in putting a rendered prompt before a caller's own request."""

from typing import Any

from legato.core.chat import ChatRequest
from legato.core.errors import InvalidRequest


def with_defaults(body: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
    """Return the body with those defaults whose fields it doesn't set."""
    set_ones = {name: value for name, value in body.items() if value is not None}
    return {name: value for name, value in defaults.items() if value is not None} | set_ones


def refuse_parameters(prompt: ChatRequest, surface: str, *fields: str) -> None:
    """Refuse a prompt that sets what a surface has no field for.

    Raises:
        InvalidRequest: naming the parameter.
    """
    for field in fields:
        if getattr(prompt, field) not in (None, ()):
            raise refused_parameter(field, surface)


def refused_parameter(field: str, surface: str) -> InvalidRequest:
    """Return the error for a parameter that a surface can't carry."""
    msg = (
        f"model: this prompt sets {field}, which {surface} can't carry; take it out of the "
        "prompt, or set drop_unsupported on its route"
    )
    return InvalidRequest(msg, param="model")


def counted(prompt: ChatRequest) -> ChatRequest:
    """Return what counts of a prompt where input is counted."""
    return ChatRequest(
        messages=prompt.messages,
        system=prompt.system,
        output_format=prompt.output_format,
        reasoning_effort=prompt.reasoning_effort,
    )
