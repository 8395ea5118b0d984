"""Whether a path leads to something in data that a JSON schema describes."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

_COMBINED: Final = ("anyOf", "oneOf", "allOf", "if", "$dynamicRef", "patternProperties")
_LEVELS_MAX: Final = 32
_KEY_MARK: Final = "#"


def wrong_step(schema: Any, path: Sequence[str | int]) -> str | None:
    """Return what is wrong with a path below a schema; None: nothing that could be known.

    A schema that lists `properties` is taken at its word: others aren't there, unless it says so by
    `additionalProperties`. Where alternatives are combined nothing is known.
    """
    here = schema
    for place, step in enumerate(path):
        here = _resolved(here, schema)
        if not isinstance(here, Mapping) or any(word in here for word in _COMBINED):
            return None
        told, here = _below(here, step)
        if told is not None:
            at = "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in path[:place])
            return f"{told} in `output{at}`" if at else told
    return None


def _below(schema: Mapping[str, Any], step: str | int) -> tuple[str | None, Any]:
    kinds = schema.get("type")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if isinstance(step, int):
        if kinds and "array" not in kinds:
            return f"a place in a list is read, and there is none: its type is {kinds[0]}", None
        return None, schema.get("items", {})
    if kinds and "object" not in kinds:
        return f"`{step}` is no field: the type there is {' or '.join(map(str, kinds))}", None
    properties = schema.get("properties")
    if not isinstance(properties, Mapping):
        return None, schema.get("additionalProperties", {})
    if step in properties:
        return None, properties[step]
    if schema.get("additionalProperties"):
        return None, schema["additionalProperties"]
    known = ", ".join(sorted(map(str, properties))) or "none"
    return f"there is no field `{step}`; known: {known}", None


def _resolved(schema: Any, root: Any) -> Any:
    for _ in range(_LEVELS_MAX):
        reference = schema.get("$ref") if isinstance(schema, Mapping) else None
        if not isinstance(reference, str):
            return schema
        if not reference.startswith(_KEY_MARK):
            return None
        schema = root
        for step in filter(None, reference.removeprefix(_KEY_MARK).split("/")):
            schema = schema.get(step) if isinstance(schema, Mapping) else None
    return None
