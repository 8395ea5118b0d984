from __future__ import annotations

from typing import Any

import msgspec
import pytest

from legato.core.errors import InvalidRequest
from legato.registry.variables import ITEMS_MAX, Variable, accept_all


def accepted(given: dict[str, Any], **declared: dict[str, Any]) -> dict[str, Any]:
    return accept_all(msgspec.convert(declared, dict[str, Variable]), given)


def refusal(given: dict[str, Any], **declared: dict[str, Any]) -> str:
    with pytest.raises(InvalidRequest) as refused:
        accepted(given, **declared)
    assert refused.value.message.startswith(f"{refused.value.param}: ")
    return refused.value.message


TEXT = {"type": "string"}
NAMED = {"type": "object", "properties": {"n": TEXT}}


def test_values_come_as_sent_as_their_default_or_as_nothing() -> None:
    values = accepted(
        {"a": "x", "c": None},
        a=TEXT,
        b={"type": "integer", "default": 3},
        c={"type": "string", "required": False},
        d={"type": "list", "required": False},
    )
    assert values == {"a": "x", "b": 3, "c": None, "d": None}


@pytest.mark.parametrize(
    ("variable", "good", "bad", "told"),
    [
        (TEXT, "", 1, "must be a string"),
        ({"type": "integer"}, 3, True, "must be an integer"),
        ({"type": "integer"}, -3, 3.0, "must be an integer"),
        ({"type": "number"}, 3, "3", "must be a number"),
        ({"type": "number"}, 0.5, False, "must be a number"),
        ({"type": "boolean"}, False, 0, "must be true or false"),
        ({"type": "list"}, ["a"], "a", "must be a list"),
        ({"type": "list"}, [], [1], "v.0: must be a string"),
        ({"type": "list", "items": {"type": "integer"}}, [1], [1, "2"], "v.1: must be an integer"),
        ({"type": "list", "max_length": 1}, ["a"], ["a", "b"], "at most 1 items"),
        ({"type": "object"}, {"any": [1]}, [], "must be an object"),
        ({"type": "object", "properties": {"n": TEXT}}, {"n": ""}, {}, "v.n: is missing; send a"),
        (
            {"type": "object", "properties": {"n": TEXT}},
            {"n": ""},
            {"n": "", "m": 1},
            "v.m: is not",
        ),
        ({**TEXT, "max_length": 2}, "ab", "abc", "at most 2 characters"),
        ({**TEXT, "enum": ["a", "b"]}, "b", "c", "must be one of a, b"),
        ({"type": "integer", "enum": [1, 2]}, 2, 3, "must be one of 1, 2"),
    ],
)
def test_values_must_be_what_was_declared(
    variable: dict[str, Any], good: Any, bad: Any, told: str
) -> None:
    assert accepted({"v": good}, v=variable) == {"v": good}
    assert told in refusal({"v": bad}, v=variable)


def test_a_list_without_a_length_is_bounded_all_the_same() -> None:
    told = refusal({"l": [""] * (ITEMS_MAX + 1)}, l={"type": "list"})
    assert told == f"metadata.variables.l: at most {ITEMS_MAX} items are allowed"
    longer = {"type": "list", "max_length": ITEMS_MAX + 1}
    assert accepted({"l": [""] * (ITEMS_MAX + 1)}, l=longer)


def test_a_refusal_names_the_variable_and_what_there_is() -> None:
    assert refusal({}, a=TEXT) == "metadata.variables.a: is missing; send a string"
    told = refusal({"b": "secret"}, a=TEXT)
    assert told == "metadata.variables.b: is not declared; declared: a"
    assert "secret" not in refusal({"a": "secret"}, a={**TEXT, "enum": ["x"]})


def test_properties_that_are_left_out_are_nothing_not_somebody_elses() -> None:
    optional = {"type": "string", "required": False}
    declared = {"type": "object", "properties": {"name": optional}}
    assert accepted({"o": {}}, o=declared) == {"o": {"name": None}}
