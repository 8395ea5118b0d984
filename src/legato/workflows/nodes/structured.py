"""Answers that follow a JSON schema: asked for by the gateway, and held against it here."""

from typing import Any, Final

import msgspec

from legato.core.errors import OutputInvalid
from legato.guardrails.outputs.schemas import Schemas, UnusableSchema

_FENCE: Final = "```"


def response_format(schema: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the field that asks for it, in OpenAI's dialect."""
    return {"type": "json_schema", "json_schema": {"name": name[:64], "schema": schema}}


def read_structured(text: str, schema: dict[str, Any], schemas: Schemas) -> Any:
    """Return the data that an answer holds.

    Raises:
        OutputInvalid: it is no JSON (cut off, say: nothing is completed), or breaks the schema;
            `told` says how, without quoting it.
    """
    try:
        value = msgspec.json.decode(_unfenced(text))
    except msgspec.DecodeError:
        raise _invalid("it isn't JSON, or is cut off") from None
    try:
        problems = schemas.compiled(schema).problems(value)
    except UnusableSchema as reason:
        raise _invalid(f"output_schema can't be used: {reason}") from None
    if problems:
        raise _invalid("; ".join(map(str, problems)))
    return value


def _invalid(told: str) -> OutputInvalid:
    error = OutputInvalid(f"the answer doesn't follow output_schema: {told}")
    error.told = told
    return error


def _unfenced(text: str) -> str:
    """Return what stands between the fences that many models put around JSON."""
    text = text.strip()
    if not text.startswith(_FENCE) or not text.endswith(_FENCE):
        return text
    first, _, rest = text.partition("\n")
    return rest.removesuffix(_FENCE) if len(first) <= len("```json") else text
