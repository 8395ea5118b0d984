"""JSON Schemas that answers are held against: compiled once, bounded, nothing ever fetched."""

from collections import OrderedDict
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import jsonschema_rs
import msgspec

from legato.core.errors import InvalidRequest
from legato.core.json_schema import refuse_address
from legato.core.schema_work import VISITS_MAX, depth_of, visits

SCHEMAS_MAX: Final = 256
PROBLEMS_MAX: Final = 5
_SAID_MAX: Final = 160
_PLACE_MAX: Final = 120
_MASK: Final = "it"
_encode = msgspec.json.Encoder(order="sorted").encode


class Problem(NamedTuple):
    """Where an answer breaks a schema, and what it breaks; no text of the answer."""

    place: str
    """A JSON pointer; names that the schema doesn't know are `*`."""
    said: str

    def __str__(self) -> str:
        """Return it as a sentence."""
        return f"{self.place or 'the whole answer'}: {self.said}"


class UnusableSchema(Exception):
    """Nothing can be held against it; says why."""


class Schema:
    """One schema, compiled."""

    def __init__(self, schema: dict[str, Any]) -> None:
        """Raises UnusableSchema."""
        try:
            if visits(schema, 1) > VISITS_MAX:
                raise UnusableSchema("its references meet again too often")
            self._validator = jsonschema_rs.validator_for(
                schema,
                mask=_MASK,
                retriever=refuse_address,
                pattern_options=jsonschema_rs.RegexOptions(),
            )
        except InvalidRequest as error:
            raise UnusableSchema(error.message) from None
        except (jsonschema_rs.ValidationError, ValueError) as error:
            told = getattr(error, "message", str(error))
            raise UnusableSchema(str(told)[:_SAID_MAX]) from None
        self._schema = schema
        self._names = frozenset(_names(schema))

    def problems(self, value: Any) -> list[Problem]:
        """Return what is wrong with a value, the first few.

        Raises UnusableSchema where that can't be told.
        """
        if visits(self._schema, depth_of(value)) > VISITS_MAX:
            raise UnusableSchema("the answer nests too deep to be checked by it")
        if self._validator.is_valid(value):
            return []
        found = []
        for error in self._validator.iter_errors(value):
            found.append(Problem(self._place(error.instance_path), _said(error)))
            if len(found) == PROBLEMS_MAX:
                break
        return found

    def _place(self, path: list[str | int]) -> str:
        steps = [
            str(step) if isinstance(step, int) or step in self._names else "*" for step in path
        ]
        return "".join(f"/{step}" for step in steps)[:_PLACE_MAX]


class Schemas:
    """The schemas met last, by what they say."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, Schema | str] = OrderedDict()

    def compiled(self, schema: dict[str, Any]) -> Schema:
        """Return a schema, compiled. Raises UnusableSchema."""
        key = blake2b(_encode(schema), digest_size=16).digest()
        found = self._known.get(key)
        if found is None:
            try:
                found = Schema(schema)
            except UnusableSchema as error:
                found = str(error)
            self._known[key] = found
            if len(self._known) > SCHEMAS_MAX:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(key)
        if isinstance(found, str):
            raise UnusableSchema(found)
        return found


def _said(error: jsonschema_rs.ValidationError) -> str:
    """Return what is wrong in the schema's own words: the value is masked, so are odd names."""
    rule = str(error.schema_path[-1]) if error.schema_path else ""
    if rule in {"additionalProperties", "unevaluatedProperties", "propertyNames"}:
        return "has properties that the schema doesn't allow"
    return " ".join(error.message.split())[:_SAID_MAX]


def _names(schema: Any) -> set[str]:
    """Return the names of properties that a schema knows."""
    names: set[str] = set()
    level = [schema]
    while level:
        one = level.pop()
        if isinstance(one, dict):
            for word in ("properties", "dependentSchemas"):
                known = one.get(word)
                if isinstance(known, dict):
                    names.update(known)
            level.extend(one.values())
        elif isinstance(one, list):
            level.extend(one)
    return names
