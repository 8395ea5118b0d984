"""A valid instance of a simple JSON schema, fixed by a seed.

Understands const, enum, type (also a list), properties, required, items, prefixItems, anyOf, oneOf,
allOf of objects, local $ref, minimum / maximum (also exclusive), multipleOf, min/maxLength,
min/maxItems and common formats. `pattern`, `not` and conditionals are ignored: such an instance may
be invalid. Every declared property is filled in; optional ones are left out from depth 6 on, so
recursive schemas end.
"""

import hashlib
import math
from typing import Any

from legato.providers.simulated.refusal import Refusal
from legato.providers.simulated.words import words

DEPTH_OPTIONAL = 6
DEPTH_MAX = 32
ITEMS_MAX = 1_000
VALUES_MAX = 10_000
CHARACTERS_MAX = 100_000
INTEGER_SPAN = 100

_FORMATS = {
    "date": "2025-03-14",
    "date-time": "2025-03-14T09:26:53Z",
    "time": "09:26:53Z",
    "duration": "PT15M",
    "email": "reader@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/page",
    "uuid": "6f1d2c3b-4a59-4e68-8d7f-0a1b2c3d4e5f",
}


def instance_of(schema: Any, seed: bytes) -> Any:
    """The instance for this schema and seed.

    Raises:
        Refusal: 400, the schema is malformed, a reference leads nowhere, required parts nest deeper
            than 32, or the instance would be unreasonably large.
    """
    root = schema if isinstance(schema, dict) else {}
    try:
        return _Builder(root, seed).build(schema, "$", 0)
    except (TypeError, ValueError, AttributeError, ArithmeticError, RecursionError) as error:
        raise Refusal(400, "The schema is malformed.", param="schema") from error


class _Builder:
    """Holds what stays the same on the way down: the root for references, and the seed."""

    def __init__(self, root: dict[str, Any], seed: bytes) -> None:
        self._root = root
        self._seed = seed
        self._built = 0

    def build(self, schema: Any, place: str, depth: int) -> Any:
        self._built += 1
        if depth > DEPTH_MAX or self._built > VALUES_MAX:
            raise Refusal(400, "The schema asks for too much.", param="schema")
        if not isinstance(schema, dict):  # true, false or nothing: anything goes
            return self._text({}, place)
        schema = self._resolved(schema)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return schema["enum"][self._number(place, len(schema["enum"]))]
        for word in ("anyOf", "oneOf"):
            if schema.get(word):
                options = schema[word]
                choice = self._shallowest(options) if depth >= DEPTH_OPTIONAL else 0
                return self.build(_laid_over(schema, word, options[choice]), place, depth + 1)
        return self._typed(schema, place, depth)

    def _typed(self, schema: dict[str, Any], place: str, depth: int) -> Any:
        match _type_of(schema):
            case "object":
                return self._object(schema, place, depth)
            case "array":
                return self._array(schema, place, depth)
            case "integer":
                return self._integer(schema, place)
            case "number":
                return self._decimal(schema, place)
            case "boolean":
                return bool(self._number(place, 2))
            case "null":
                return None
            case _:
                return self._text(schema, place)

    def _object(self, schema: dict[str, Any], place: str, depth: int) -> dict[str, Any]:
        properties = schema.get("properties", {})
        required = schema.get("required", [])
        names = [name for name in properties if depth < DEPTH_OPTIONAL or name in required] + [
            name for name in required if name not in properties
        ]
        return {
            name: self.build(properties.get(name, True), f"{place}.{name}", depth + 1)
            for name in names
        }

    def _array(self, schema: dict[str, Any], place: str, depth: int) -> list[Any]:
        least = schema.get("minItems", 0)
        if least > ITEMS_MAX:
            raise Refusal(400, "The schema asks for too many items.", param="schema")
        preferred = 1 if depth >= DEPTH_OPTIONAL - 1 else 1 + self._number(place, 2)
        count = min(max(least, preferred), schema.get("maxItems", ITEMS_MAX))
        if depth >= DEPTH_OPTIONAL:
            count = least
        leading = schema.get("prefixItems", [])
        if "items" not in schema and leading:
            count = max(least, len(leading))
        kinds = [*leading, *[schema.get("items", True)] * max(count - len(leading), 0)]
        return [
            self.build(kind, f"{place}[{index}]", depth + 1) for index, kind in enumerate(kinds)
        ]

    def _integer(self, schema: dict[str, Any], place: str) -> int:
        lowest = math.ceil(schema["minimum"]) if "minimum" in schema else None
        highest = math.floor(schema["maximum"]) if "maximum" in schema else None
        if "exclusiveMinimum" in schema:
            lowest = math.floor(schema["exclusiveMinimum"]) + 1
        if "exclusiveMaximum" in schema:
            highest = math.ceil(schema["exclusiveMaximum"]) - 1
        step = int(schema.get("multipleOf", 1)) or 1
        first, last = _bounds(lowest, highest)
        first_step, last_step = -(-first // step), last // step
        chosen: int = first_step + self._number(place, max(last_step - first_step + 1, 1))
        return step * chosen

    def _decimal(self, schema: dict[str, Any], place: str) -> float:
        lowest = schema.get("minimum", schema.get("exclusiveMinimum"))
        highest = schema.get("maximum", schema.get("exclusiveMaximum"))
        first, last = _bounds(lowest, highest)
        if "multipleOf" in schema:
            step = schema["multipleOf"]
            return float(step * math.floor((first + (last - first) / 2) / step))
        # Strictly inside, so exclusive bounds hold too.
        return float(round(first + (last - first) * (1 + self._number(place, 98)) / 100, 6))

    def _text(self, schema: dict[str, Any], place: str) -> str:
        if schema.get("format") in _FORMATS:
            return _FORMATS[schema["format"]]
        if schema.get("minLength", 0) > CHARACTERS_MAX:
            raise Refusal(400, "The schema asks for too long a text.", param="schema")
        text = "".join(words(self._digest(place), 3)).rstrip(".")
        while len(text) < schema.get("minLength", 0):
            text += " " + text
        return text[: schema["maxLength"]] if "maxLength" in schema else text

    def _resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        """The schema with local references followed and the parts of allOf merged."""
        for _ in range(DEPTH_MAX):
            if "$ref" not in schema:
                break
            target = self._at(schema["$ref"])
            schema = target | {name: value for name, value in schema.items() if name != "$ref"}
        else:
            raise Refusal(400, "The schema has references in a circle.", param="schema")
        parts = schema.get("allOf", [])
        merged = {name: value for name, value in schema.items() if name != "allOf"}
        for part in parts:
            merged = _merged(merged, self._resolved(part))
        return merged

    def _at(self, reference: str) -> dict[str, Any]:
        target: Any = self._root
        for step in reference.removeprefix("#").split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            target = target.get(name) if isinstance(target, dict) else None
        if not isinstance(target, dict) or not reference.startswith("#"):
            raise Refusal(400, "The schema has a reference that leads nowhere.", param="schema")
        return target

    @staticmethod
    def _shallowest(options: list[Any]) -> int:
        """The option most likely to end a recursion."""
        for index, option in enumerate(options):
            if isinstance(option, dict) and option.get("type") == "null":
                return index
        return len(options) - 1

    def _number(self, place: str, bound: int) -> int:
        return int.from_bytes(self._digest(place)[:6]) % bound

    def _digest(self, place: str) -> bytes:
        return hashlib.blake2b(place.encode(), key=self._seed[:64], digest_size=16).digest()


def _type_of(schema: dict[str, Any]) -> str:
    named = schema.get("type")
    if isinstance(named, list):
        named = named[0]
    if isinstance(named, str):
        return named
    if "properties" in schema or "required" in schema:
        return "object"
    return "array" if "items" in schema or "prefixItems" in schema else "string"


def _bounds(lowest: float | None, highest: float | None) -> tuple[Any, Any]:
    if lowest is None:
        lowest = 0 if highest is None or highest >= 0 else highest - INTEGER_SPAN
    return lowest, lowest + INTEGER_SPAN if highest is None else highest


def _laid_over(schema: dict[str, Any], word: str, option: Any) -> Any:
    if not isinstance(option, dict):
        return option
    return _merged({name: value for name, value in schema.items() if name != word}, option)


def _merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    both = one | other
    if "properties" in one and "properties" in other:
        both["properties"] = one["properties"] | other["properties"]
    if "required" in one and "required" in other:
        both["required"] = [*one["required"], *other["required"]]
    return both
