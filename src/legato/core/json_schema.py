"""Output schemas, checked before they are stored. No address in one is ever fetched."""

from typing import Any, NoReturn

import jsonschema_rs

_SHOWN_MAX = 300


def schema_problem(schema: dict[str, Any]) -> tuple[tuple[str | int, ...], str] | None:
    """Return what keeps plain data from being a usable JSON Schema, and where; None: nothing."""
    try:
        jsonschema_rs.validator_for(schema, retriever=refuse_address)
    except jsonschema_rs.ValidationError as error:
        return tuple(error.instance_path), f"is no valid JSON Schema: {error.message[:_SHOWN_MAX]}"
    return None


def refuse_address(address: str) -> NoReturn:
    """Fetch nothing. Raises ValueError."""
    msg = f"{address[:_SHOWN_MAX]} is not fetched; put what it holds under $defs"
    raise ValueError(msg)
