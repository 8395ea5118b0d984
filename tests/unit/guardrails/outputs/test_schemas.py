"""A schema's complaints say where and what, never the answer's own words."""

import pytest

from legato.guardrails.outputs.schemas import SCHEMAS_MAX, Schemas, UnusableSchema

SCHEMA = {
    "type": "object",
    "properties": {
        "age": {"type": "integer"},
        "kind": {"enum": ["cat", "dog"]},
        "tags": {"type": "array", "items": {"type": "string", "maxLength": 3}},
        "code": {"type": "string", "pattern": "^[A-Z]+$"},
    },
    "required": ["age"],
    "additionalProperties": False,
}


def test_a_right_answer_has_no_problem() -> None:
    assert Schemas().compiled(SCHEMA).problems({"age": 3, "kind": "cat", "tags": ["a"]}) == []


def test_problems_name_place_and_rule_but_quote_nothing() -> None:
    answer = {
        "age": "secret-a",
        "kind": "secret-b",
        "tags": ["secret-c"],
        "secret-d": 1,
        "code": "secret-e",
    }
    said = "; ".join(map(str, Schemas().compiled(SCHEMA).problems(answer)))
    assert "secret" not in said
    assert "/age: it is not of type" in said
    assert '"cat" or "dog"' in said
    assert "/tags/0" in said
    assert "properties that the schema doesn't allow" in said


def test_a_missing_name_is_told() -> None:
    (problem,) = Schemas().compiled(SCHEMA).problems({})
    assert str(problem) == 'the whole answer: "age" is a required property'


def test_names_that_only_the_answer_has_are_not_told() -> None:
    schema = {"additionalProperties": {"type": "integer"}}
    (problem,) = Schemas().compiled(schema).problems({"secret": "x"})
    assert problem.place == "/*"


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "nonsense"},
        {"$ref": "https://example.org/schema.json"},
        {"pattern": "(?=look)ahead"},
        {"$defs": {f"a{n}": {"anyOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(40)}
         | {"a40": {}}, "$ref": "#/$defs/a0"},
    ],
)  # fmt: skip
def test_what_nothing_can_be_held_against_is_refused_at_once(schema: dict[str, object]) -> None:
    schemas = Schemas()
    for _ in range(2):
        with pytest.raises(UnusableSchema):
            schemas.compiled(schema)


def test_compiled_once_and_bounded() -> None:
    schemas = Schemas()
    first = schemas.compiled(SCHEMA)
    assert schemas.compiled(dict(reversed(SCHEMA.items()))) is first
    for most in range(SCHEMAS_MAX):
        schemas.compiled({"maxLength": most})
    assert schemas.compiled(SCHEMA) is not first
