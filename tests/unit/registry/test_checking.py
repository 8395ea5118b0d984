from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from legato.core.errors import InvalidRequest
from legato.registry.checking import check_prompt
from legato.registry.reading import ContentInvalid

SOUND: dict[str, Any] = {
    "messages": [
        {"role": "system", "content": "You answer for {{company}}. {{> tone}}"},
        {"role": "user", "content": "{{question}}{{#files}}\n- {{name}}{{/files}}"},
    ],
    "partials": {"tone": "Be kind and brief."},
    "variables": {
        "company": {"type": "string", "default": "Acme", "max_length": 200},
        "question": {"type": "string"},
        "files": {
            "type": "list",
            "required": False,
            "items": {"type": "object", "properties": {"name": {"type": "string"}}},
        },
    },
    "route": "chat",
    "parameters": {"temperature": 0.2, "max_tokens": 300, "stop": ["END"]},
    "output_schema": {"type": "object", "properties": {"answer": {"type": "string"}}},
    "tests": [
        {"name": "polite", "variables": {"question": "Where?"}, "expect": {"contains": ["sorry"]}}
    ],
}


def problems(**changed: Any) -> list[str]:
    with pytest.raises(ContentInvalid) as refused:
        check_prompt(SOUND | changed)
    return [str(problem) for problem in refused.value.problems]


def one_message(content: Any, **variables: Any) -> dict[str, Any]:
    """A prompt of nothing but this."""
    message = {"role": "user", "content": content}
    return {"messages": [message], "route": "chat", "variables": variables}


def only_problem(content: Any, **variables: Any) -> str:
    with pytest.raises(ContentInvalid) as refused:
        check_prompt(one_message(content, **variables))
    (problem,) = refused.value.problems
    return str(problem)


def test_a_sound_prompt_is_read() -> None:
    spec = check_prompt(SOUND)
    assert spec.route == "chat"
    assert [message.role for message in spec.messages] == ["system", "user"]
    assert spec.variables["company"].default == "Acme"
    assert spec.tests[0].expect.contains == ("sorry",)


def test_all_problems_are_told_at_once() -> None:
    told = problems(
        messages=[{"role": "sytem", "contnt": "x"}],
        rout="chat",
        parameters={"temperature": 3, "max_token": 1},
        variables={"1b": {"type": "string"}, "a": {"type": "text"}},
        output_schema={"type": "objet"},
        tests=[{"name": "t", "expect": {"contains": "sorry"}}],
    )
    assert told[:9] == [
        "rout: is unknown; did you mean `route`?",
        "messages[0].contnt: is unknown; did you mean `content`?",
        "messages[0].content: is missing",
        "messages[0].role: must be one of system, user, assistant",
        "variables.1b: expected `str` matching regex '^[A-Za-z_][A-Za-z0-9_-]{0,63}$'",
        "variables.a.type: must be one of string, integer, number, boolean, list, object",
        "parameters.max_token: is unknown; did you mean `max_tokens`?",
        "parameters.temperature: expected `float` <= 2.0",
        "tests[0].expect.contains: expected `array`, got `str`",
    ]
    assert told[9].startswith("output_schema.type: is no valid JSON Schema")
    assert len(told) == 10


def test_the_error_names_the_first_place_and_all_of_them() -> None:
    with pytest.raises(InvalidRequest, match="2 problems") as refused:
        check_prompt({})
    assert refused.value.param == "messages"
    assert "messages: is missing" in refused.value.message
    assert "route: is missing" in refused.value.message


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("{{question}}{{answer}}", "`answer` is no variable; declared: question"),
        ("{{question.text}}", "`question` has no property `text`; declare its properties"),
        ("{{question}}{{.}}", "`.` means an item"),
        ("{{#question}}{{answer}}{{/question}}", "`answer` is no variable"),
        ("{{^question}}{{.}}{{/question}}", "`.` means an item"),
        ("{{question", "this tag is never closed"),
        ("{{question}}{{>tone}}", "there is no partial `tone`"),
    ],
)
def test_a_name_nobody_declared_is_refused(source: str, told: str) -> None:
    problem = only_problem(source, question={"type": "string"})
    assert problem.startswith("messages[0].content: line 1, column ")
    assert told in problem


def test_names_within_sections_are_those_of_the_items() -> None:
    person = {"type": "object", "properties": {"name": {"type": "string"}}}
    people = {"type": "list", "items": person}
    nested = "{{#people}}{{name}}{{unit}}{{/people}}{{#boss}}{{name}}{{/boss}}{{boss.name}}"
    unit = {"type": "string"}
    assert check_prompt(one_message(nested, people=people, boss=person, unit=unit))
    problem = only_problem("{{#people}}{{age}}{{/people}}", people=people)
    assert "`age` is no variable; declared: name, people" in problem
    problem = only_problem("{{boss.age}}", boss=person)
    assert "`boss` has no property `age`; its properties: name" in problem


def test_what_nothing_uses_is_refused() -> None:
    assert "variables.spare: no template uses it" in only_problem("x", spare={"type": "string"})
    content = one_message("x") | {"partials": {"tone": "kind"}}
    with pytest.raises(ContentInvalid, match=r"partials\.tone: no message uses it"):
        check_prompt(content)


def test_a_template_that_does_not_compile_leaves_nothing_to_be_called_unused() -> None:
    assert "never closed" in only_problem("{{#spare}}", spare={"type": "string"})


def test_system_messages_come_first_and_hold_no_images() -> None:
    image = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    told = problems(
        messages=[
            {"role": "user", "content": "{{company}}{{question}}{{>tone}}{{#files}}{{/files}}"},
            {"role": "system", "content": [image]},
        ]
    )
    assert told == [
        "messages[1].role: system messages come first; move it before the others",
        "messages[1].content[0].image_url.url: images stand in messages of role user only",
    ]


@pytest.mark.parametrize(
    ("variable", "told"),
    [
        ({"type": "integer", "max_length": 3}, "v.max_length: only strings and lists have one"),
        ({"type": "boolean", "enum": [1]}, "v.enum: only strings and numbers have one"),
        ({"type": "string", "items": {"type": "string"}}, "v.items: only lists have them"),
        ({"type": "list", "properties": {"a": {"type": "string"}}}, "only objects have them"),
        ({"type": "string", "enum": [1]}, "variables.v.enum[0]: must be a string"),
        ({"type": "string", "default": 1}, "variables.v.default: must be a string"),
        ({"type": "string", "enum": ["a"], "default": "b"}, "v.default: must be one of a"),
        ({"type": "list", "items": {"type": "string", "default": ""}}, "items have none"),
        (
            {"type": "object", "properties": {"a": {"type": "integer", "default": "1"}}},
            "variables.v.properties.a.default: must be an integer",
        ),
    ],
)
def test_variables_that_contradict_themselves_are_refused(
    variable: dict[str, Any], told: str
) -> None:
    assert told in only_problem("{{v}}", v=variable)


def test_variables_are_not_nested_without_end() -> None:
    variable: dict[str, Any] = {"type": "string"}
    for _ in range(6):
        variable = {"type": "list", "items": variable}
    assert "nested more than 5 levels deep" in only_problem("{{v}}", v=variable)


def test_tests_must_be_able_to_fail_and_the_prompt_must_take_them() -> None:
    told = problems(
        tests=[
            {"name": "a", "variables": {"question": "x"}, "expect": {}},
            {"name": "a", "variables": {"question": 1}, "expect": {"regex": "("}},
        ]
    )
    assert told == [
        "tests[0].expect: nothing is expected: give contains, not_contains, regex or json",
        "tests[1].name: another test is named `a`",
        "tests[1].expect.regex: is no regular expression, at position 0",
        "tests[1].variables.question: must be a string",
    ]


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ({"properties": {"a": {"type": "text"}}}, "output_schema.properties.a.type: is no valid"),
        ({"$ref": "#/$defs/a"}, "output_schema: is no valid JSON Schema"),
        ({"$ref": "https://example.com/schema"}, "https://example.com/schema is not fetched"),
        ({"pattern": "("}, "output_schema.pattern: is no valid JSON Schema"),
    ],
)
def test_an_output_schema_must_be_one(schema: dict[str, Any], told: str) -> None:
    (problem,) = problems(output_schema=schema)
    assert told in problem


def test_what_json_has_no_word_for_is_refused() -> None:
    loop: list[Any] = []
    loop.append(loop)
    told = problems(output_schema={"const": date(2026, 1, 1), "x": loop, 3: 1, "y": float("nan")})
    assert told == [
        "output_schema.const: a date can't stand here; write it in quotes",
        f"output_schema.x{'[0]' * 62}: is nested more than 64 levels deep",
        "output_schema.3: names are text; write this one in quotes",
        "output_schema.y: must be a finite number",
    ]


@pytest.mark.parametrize("content", [None, [], "prompt", 3])
def test_something_else_is_no_prompt(content: Any) -> None:
    with pytest.raises(ContentInvalid, match="expected `object`"):
        check_prompt(content)
