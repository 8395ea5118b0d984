"""Checks of decoded request bodies that name the field they refuse.

Written by hand: converting whole bodies to types costs more than the gateway's own work, and
fields we don't know have to pass untouched.
"""

from typing import Any

from legato.core.errors import InvalidRequest

_MODEL_LENGTH_MAX = 256


def refuse(param: str, problem: str) -> InvalidRequest:
    """Return the error for a field; `param` is its path, such as `messages.0.role`."""
    return InvalidRequest(f"{param}: {problem}", param=param)


def model(body: dict[str, Any]) -> str:
    """Return the required model name."""
    name = body.get("model")
    if not isinstance(name, str) or not name:
        raise refuse("model", "a model name is required")
    if len(name) > _MODEL_LENGTH_MAX:
        raise refuse("model", f"longer than {_MODEL_LENGTH_MAX} characters")
    return name


def boolean(body: dict[str, Any], field: str) -> bool:
    """Return an optional boolean; null and absent are false."""
    value = body.get(field)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise refuse(field, "must be true or false")
    return value


def positive(body: dict[str, Any], field: str, maximum: int = 2**31 - 1) -> int | None:
    """Return an optional integer of at least 1; null and absent are None."""
    value = body.get(field)
    if value is None:
        return None
    if type(value) is not int or not 1 <= value <= maximum:
        raise refuse(field, f"must be an integer from 1 to {maximum}")
    return value


def number(body: dict[str, Any], field: str, low: float, high: float) -> float | None:
    """Return an optional number within bounds; null and absent are None."""
    value = body.get(field)
    if value is None:
        return None
    if type(value) not in {int, float} or not low <= value <= high:
        raise refuse(field, f"must be a number from {low:g} to {high:g}")
    return float(value)


def text(body: dict[str, Any], field: str) -> str | None:
    """Return an optional string; null and absent are None."""
    value = body.get(field)
    if value is not None and not isinstance(value, str):
        raise refuse(field, "must be a string")
    return value


def table(body: dict[str, Any], field: str) -> dict[str, Any] | None:
    """Return an optional object; null and absent are None."""
    value = body.get(field)
    if value is not None and not isinstance(value, dict):
        raise refuse(field, "must be an object")
    return value


def objects(body: dict[str, Any], field: str) -> list[dict[str, Any]]:
    """Return an optional list of objects; null and absent are empty."""
    value = body.get(field)
    if value is None:
        return []
    if not isinstance(value, list):
        raise refuse(field, "must be a list")
    for position, item in enumerate(value):
        if not isinstance(item, dict):
            raise refuse(f"{field}.{position}", "must be an object")
    return value


def messages(body: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the required, non-empty list of messages."""
    items = objects(body, "messages")
    if not items:
        raise refuse("messages", "at least one message is required")
    return items
