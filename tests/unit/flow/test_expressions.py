"""Texts with expressions in them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from legato.flow.expressions import (
    ExpressionFailed,
    TemplateInvalid,
    compile_expression,
    compile_template,
    literal,
)

VALUES = {"input": {"name": "Ada", "n": 3, "list": [1, 2], "none": None}, "steps": {}}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("${input.n}", 3),
        ("${ input.list }", [1, 2]),
        ("n: ${input.n}", "n: 3"),
        ("${input.name} and ${input.list}, ${input.none}", "Ada and [1,2], null"),
        ("${{'a': {'b': input.n}}}", {"a": {"b": 3}}),
        ("${'}' + \"${\"}", "}${"),
        ("$${input.n} costs $3, ${input.n}$", "${input.n} costs $3, 3$"),
        (
            {"to": ["${input.name}", 1, None], "still": {"a": "b"}},
            {"to": ["Ada", 1, None], "still": {"a": "b"}},
        ),
        ("nothing", "nothing"),
        (None, None),
        (True, True),
    ],
)
def test_data_is_made_of_templates(data: Any, expected: Any) -> None:
    assert compile_template(data).value(VALUES) == expected


def test_all_that_cant_be_read_is_told_with_its_place() -> None:
    with pytest.raises(TemplateInvalid) as told:
        compile_template({"a": "${1 +}", "b": ["fine", "${open"], "c": "${input.n}"})
    assert [place for place, _ in told.value.problems] == [".a", ".b[1]"]


def test_what_fails_is_told_with_its_place() -> None:
    with pytest.raises(ExpressionFailed, match=r"a\[0\]: `input.q`: there is no field 'q'"):
        compile_template({"a": ["${input.q}"]}).value(VALUES)


def test_conditions_are_true_or_false() -> None:
    assert compile_expression("input.n > 2").holds(VALUES)
    with pytest.raises(ExpressionFailed, match="true or false, not a int"):
        compile_expression("input.n").holds(VALUES)


def test_expressions_are_listed_with_places_and_whether_they_loop() -> None:
    template = compile_template({"a": ["${input.n} ${input.list.map(x, x)}"], "b": "${run.id}"})
    assert [(place, each.loops) for place, each in template.expressions] == [
        (".a[0]", False),
        (".a[0]", True),
        (".b", False),
    ]
    assert template.loops


def test_a_value_that_stands_in_many_places_is_weighed_each_time() -> None:
    text = "x" * 1_000_000
    with pytest.raises(ExpressionFailed, match="MiB"):
        compile_template("${[s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s]}").value(
            {"s": text}
        )
    with pytest.raises(ExpressionFailed, match="MiB"):
        compile_template("${s}-" * 20).value({"s": text})


@given(some.text(alphabet="${}a'", max_size=20))
def test_a_literal_text_comes_out_as_it_went_in(text: str) -> None:
    if "$${" not in text:
        assert compile_template(literal(text)).value({}) == text


def test_texts_of_prompts_cant_reach_python() -> None:
    assert compile_template("{{''.__class__}}").value(VALUES) == "{{''.__class__}}"
    with pytest.raises(ExpressionFailed):
        compile_template("${''.__class__}").value(VALUES)
