from typing import Any

import pytest

from legato.providers.simulated.instances import instance_of
from legato.providers.simulated.refusal import Refusal

PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 30, "maxLength": 40},
        "age": {"type": "integer", "minimum": 18, "exclusiveMaximum": 21},
        "score": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
        "kind": {"enum": ["a", "b"]},
        "born": {"type": "string", "format": "date"},
        "tags": {"type": "array", "items": {"type": "string"}, "minItems": 3},
        "spouse": {"anyOf": [{"$ref": "#/$defs/named"}, {"type": "null"}]},
        "steps": {"type": "integer", "multipleOf": 5, "minimum": 7},
        "fixed": {"const": [1, 2]},
        "nothing": {"type": ["null", "string"]},
    },
    "required": ["name", "extra"],
    "$defs": {
        "named": {"type": "object", "properties": {"name": {"type": "string"}}},
    },
}


def test_every_property_keeps_its_rules() -> None:
    person = instance_of(PERSON, b"seed")
    assert set(person) == {*PERSON["properties"], "extra"}  # type: ignore[misc]
    assert 30 <= len(person["name"]) <= 40
    assert person["age"] in {18, 19, 20}
    assert 0 < person["score"] < 1
    assert person["kind"] in {"a", "b"}
    assert person["born"] == "2025-03-14"
    assert len(person["tags"]) >= 3
    assert isinstance(person["spouse"]["name"], str)
    assert person["steps"] >= 7
    assert person["steps"] % 5 == 0
    assert person["fixed"] == [1, 2]
    assert person["nothing"] is None


def test_same_seed_same_instance() -> None:
    assert instance_of(PERSON, b"seed") == instance_of(PERSON, b"seed")
    assert instance_of(PERSON, b"seed") != instance_of(PERSON, b"other")


def test_parts_of_all_of_come_together() -> None:
    schema = {
        "allOf": [
            {"type": "object", "properties": {"a": {"type": "boolean"}}},
            {"properties": {"b": {"type": "null"}}},
        ]
    }
    assert set(instance_of(schema, b"s")) == {"a", "b"}


def test_recursion_ends() -> None:
    tree = {
        "type": "object",
        "properties": {"children": {"type": "array", "items": {"$ref": "#"}}},
    }
    assert "children" in instance_of(tree, b"s")


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"self": {"$ref": "#"}}, "required": ["self"]},
        {"$ref": "#/$defs/missing"},
        {"$ref": "#"},
        {"allOf": [{"$ref": "#"}]},
        {"type": "array", "minItems": 10**9},
        {"type": "string", "minLength": 10**12},
        {"type": "integer", "minimum": "low"},
        {"type": "object", "properties": [1]},
    ],
)
def test_impossible_schemas_are_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(Refusal) as refused:
        instance_of(schema, b"s")
    assert refused.value.status == 400
