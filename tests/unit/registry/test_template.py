"""Cases of the mustache specification (github.com/mustache/spec, version 1.4), in our words."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato.core.errors import InvalidRequest
from legato.registry.rendering import RENDERED_CHARS_MAX, Allowance
from legato.registry.tags import TemplateInvalid
from legato.registry.template import (
    DEPTH_MAX,
    NODES_MAX,
    TEMPLATE_CHARS_MAX,
    compile_template,
)


def rendered(source: str, values: dict[str, Any], **partials: str) -> str:
    return compile_template(source, partials).render(values)


INTERPOLATION = [
    ("no tags", "Hello from {Mustache}!\n", {}, "Hello from {Mustache}!\n"),
    ("basic", "Hello, {{subject}}!", {"subject": "world"}, "Hello, world!"),
    ("nothing is read again", "{{a}}: {{b}}", {"a": "{{b}}", "b": "here"}, "{{b}}: here"),
    ("nothing is escaped", "{{s}}", {"s": '& " < >'}, '& " < >'),
    ("triple", "{{{s}}}", {"s": '& " < >'}, '& " < >'),
    ("ampersand", "{{&s}}", {"s": '& " < >'}, '& " < >'),
    ("integer", '"{{mph}} miles"', {"mph": 85}, '"85 miles"'),
    ("decimal", "{{power}} jiggawatts", {"power": 1.21}, "1.21 jiggawatts"),
    ("null", "I ({{cannot}}) be seen", {"cannot": None}, "I () be seen"),
    ("missing", "I ({{cannot}}) be seen", {}, "I () be seen"),
    ("truth", "{{yes}} {{no}}", {"yes": True, "no": False}, "true false"),
    ("a list", "{{l}}", {"l": ["a", 1]}, '["a",1]'),
    ("an object", "{{o}}", {"o": {"é": None}}, '{"é":null}'),
    ("dotted", "{{person.name}}", {"person": {"name": "Joe"}}, "Joe"),
    ("deep", "{{a.b.c.d.e}}", {"a": {"b": {"c": {"d": {"e": "Phil"}}}}}, "Phil"),
    ("broken chain", "({{a.b.c}})", {"a": {}}, "()"),
    ("chain through text", "({{a.b}})", {"a": "text"}, "()"),
    (
        "only the first name is looked for outside",
        "({{#a}}{{b.c}}{{/a}})",
        {"a": {"b": {}}, "b": {"c": "ERROR"}},
        "()",
    ),
    (
        "the first name may be outside",
        "{{#a}}{{b.name}}{{/a}}",
        {"a": {"b2": 1}, "b": {"name": "Phil"}},
        "Phil",
    ),
    ("itself", "Hello, {{#s}}{{.}}{{/s}}!", {"s": "world"}, "Hello, world!"),
    ("blanks around", "| {{ s }} |", {"s": "---"}, "| --- |"),
    ("blanks before alone", "  {{s}}\n", {"s": "---"}, "  ---\n"),
    ("blanks within", "|{{ s\n }}|", {"s": "---"}, "|---|"),
]

SECTIONS = [
    ("true", '"{{#b}}shown{{/b}}"', {"b": True}, '"shown"'),
    ("false", '"{{#b}}shown{{/b}}"', {"b": False}, '""'),
    ("null", '"{{#b}}shown{{/b}}"', {"b": None}, '""'),
    ("missing", "[{{#b}}shown{{/b}}]", {}, "[]"),
    ("empty text", "[{{#b}}shown{{/b}}]", {"b": ""}, "[]"),
    ("an object", '"{{#c}}Hi {{n}}.{{/c}}"', {"c": {"n": "Joe"}}, '"Hi Joe."'),
    (
        "names outside",
        "{{#sec}}{{a}}, {{b}}, {{c.d}}{{/sec}}",
        {"a": "foo", "b": "wrong", "sec": {"b": "bar"}, "c": {"d": "baz"}},
        "foo, bar, baz",
    ),
    (
        "deeply nested",
        "{{#a}}{{one}}{{#b}}{{one}}{{two}}{{#c}}{{one}}{{two}}{{three}}{{/c}}{{/b}}{{/a}}",
        {"a": {"one": 1}, "b": {"two": 2}, "c": {"three": 3}},
        "112123",
    ),
    ("list", "{{#list}}{{item}}{{/list}}", {"list": [{"item": 1}, {"item": 2}]}, "12"),
    ("empty list", "[{{#list}}Yay{{/list}}]", {"list": []}, "[]"),
    ("doubled", "{{#b}}1{{/b}}{{#b}}2{{/b}}", {"b": True}, "12"),
    ("nested", "|A{{#b}} B{{#b}} C{{/b}} D{{/b}} E|", {"b": True}, "|A B C D E|"),
    ("nested falsely", "|A{{#b}} B{{#b}} C{{/b}} D{{/b}} E|", {"b": False}, "|A E|"),
    ("items of text", "{{#l}}({{.}}){{/l}}", {"l": ["a", "b"]}, "(a)(b)"),
    ("items of numbers", "{{#l}}({{.}}){{/l}}", {"l": [1, 2.5]}, "(1)(2.5)"),
    ("lists of lists", "{{#l}}({{#.}}{{.}}{{/.}}){{/l}}", {"l": [[1, 2], ["a"]]}, "(12)(a)"),
    ("items that are false", "{{#l}}({{.}}){{/l}}", {"l": [False, None]}, "(false)()"),
    ("dotted", "{{#a.b}}Here{{/a.b}}", {"a": {"b": True}}, "Here"),
    ("dotted, missing", "[{{#a.b}}Here{{/a.b}}]", {"a": {}}, "[]"),
    ("blanks within", "|{{# b }}={{/ b }}|", {"b": True}, "|=|"),
    ("blanks around", " | {{#b}}\t|\t{{/b}} | \n", {"b": True}, " | \t|\t | \n"),
    ("blanks inside", " | {{#b}} \n {{/b}} | \n", {"b": True}, " |  \n  | \n"),
    ("in one line", " {{#b}}YES{{/b}}\n {{#b}}GOOD{{/b}}\n", {"b": True}, " YES\n GOOD\n"),
    ("alone", "| This\n{{#b}}\n|\n{{/b}}\n| Line\n", {"b": True}, "| This\n|\n| Line\n"),
    ("alone, indented", "|\n  {{#b}}\n|\n  {{/b}}\n|\n", {"b": True}, "|\n|\n|\n"),
    ("alone, crlf", "|\r\n{{#b}}\r\n{{/b}}\r\n|", {"b": True}, "|\r\n|"),
    ("alone on the first line", "  {{#b}}\n#{{/b}}\n/", {"b": True}, "#\n/"),
    ("alone on the last line", "#{{#b}}\n/\n  {{/b}}", {"b": True}, "#\n/\n"),
    ("two on one line", "{{#b}}{{/b}}\n|", {"b": True}, "\n|"),
]

INVERTED = [
    ("false", "[{{^b}}shown{{/b}}]", {"b": False}, "[shown]"),
    ("true", "[{{^b}}shown{{/b}}]", {"b": True}, "[]"),
    ("null", "[{{^b}}shown{{/b}}]", {"b": None}, "[shown]"),
    ("object", "[{{^c}}Hi {{n}}{{/c}}]", {"c": {"n": "Joe"}}, "[]"),
    ("list", "[{{^l}}{{n}}{{/l}}]", {"l": [{"n": 1}]}, "[]"),
    ("empty list", "[{{^l}}none{{/l}}]", {"l": []}, "[none]"),
    ("missing", "[{{^b}}none{{/b}}]", {}, "[none]"),
    ("dotted, broken", "[{{^a.b.c}}none{{/a.b.c}}]", {"a": {}}, "[none]"),
    ("nested", "|A{{^b}} B{{^b}} C{{/b}} D{{/b}} E|", {"b": False}, "|A B C D E|"),
    ("alone", "| This\n{{^b}}\n|\n{{/b}}\n| Line\n", {"b": False}, "| This\n|\n| Line\n"),
    ("alone on the last line", "^{{^b}}\n/\n  {{/b}}", {"b": False}, "^\n/\n"),
]

COMMENTS = [
    ("inline", "12345{{! a comment }}67890", {}, "1234567890"),
    ("many lines", "12345{{!\n  a\n  comment\n}}67890\n", {}, "1234567890\n"),
    ("alone", "Begin.\n{{! comment }}\nEnd.\n", {}, "Begin.\nEnd.\n"),
    ("alone, indented", "Begin.\n  {{! comment }}\nEnd.\n", {}, "Begin.\nEnd.\n"),
    ("alone, crlf", "|\r\n{{! comment }}\r\n|", {}, "|\r\n|"),
    ("alone without a line before", "  {{! alone }}\n!", {}, "!"),
    ("alone without a line after", "!\n  {{! alone }}", {}, "!\n"),
    ("alone, many lines", "Begin.\n{{!\nmuch\n}}\nEnd.\n", {}, "Begin.\nEnd.\n"),
    ("not alone", "  12 {{! 34 }}\n", {}, "  12 \n"),
    ("blanks around", "12345 {{! comment }} 67890", {}, "12345  67890"),
    ("like a variable", "[{{! name }}]", {"! name": 1, "name": 2}, "[]"),
]


@pytest.mark.parametrize(
    ("source", "values", "expected"),
    [
        pytest.param(*case[1:], id=f"{kind}: {case[0]}")
        for kind, cases in {
            "interpolation": INTERPOLATION,
            "section": SECTIONS,
            "inverted": INVERTED,
            "comment": COMMENTS,
        }.items()
        for case in cases
    ],
)
def test_templates_render_as_the_specification_has_it(
    source: str, values: dict[str, Any], expected: str
) -> None:
    assert rendered(source, values) == expected


@pytest.mark.parametrize(
    ("source", "partial", "values", "expected"),
    [
        ('"{{>p}}"', "from partial", {}, '"from partial"'),
        ('"{{>p}}"', "*{{text}}*", {"text": "content"}, '"*content*"'),
        ("| {{>p}} |", "\t|\t", {}, "| \t|\t |"),
        ("  {{t}}  {{> p}}\n", ">\n>", {"t": "|"}, "  |  >\n>\n"),
        ("|\r\n{{>p}}\r\n|", ">", {}, "|\r\n>|"),
        ("  {{>p}}\n>", ">\n>", {}, "  >\n  >>"),
        (">\n  {{>p}}", ">\n>", {}, ">\n  >\n  >"),
        ("\\\n {{>p}}\n/\n", "|\n{{{c}}}\n|\n", {"c": "<\n->"}, "\\\n |\n <\n->\n |\n/\n"),
        ("|{{> p }}|", "[]", {"boolean": True}, "|[]|"),
        ("{{#l}}{{>p}}{{/l}}", "{{.}},", {"l": ["a", "b"]}, "a,b,"),
    ],
)
def test_partials_are_put_in_place(
    source: str, partial: str, values: dict[str, Any], expected: str
) -> None:
    assert rendered(source, values, p=partial) == expected


def test_partials_may_hold_others() -> None:
    template = compile_template("{{>a}}", {"a": "a{{>b}}{{>b}}", "b": "{{x}}", "c": "unused"})
    assert template.render({"x": "1"}) == "a11"
    assert template.partials == {"a", "b"}


@pytest.mark.parametrize(
    ("source", "partials", "told"),
    [
        ("{{=<% %>=}}", {}, "line 1, column 1: delimiters can't be changed"),
        ("a\n  {{name", {}, "line 2, column 3: this tag is never closed"),
        ("{{{name}}", {}, "line 1, column 1: this tag is never closed"),
        ("{{#a}}x", {}, "the section `a` is never closed; add `{{/a}}`"),
        ("x{{/a}}", {}, "line 1, column 2: `{{/a}}` closes no section"),
        ("{{#a}}\n{{#b}}\n{{/a}}", {}, "line 3, column 1: `a` is closed here, but `b` is open (l"),
        ("{{}}", {}, "`` is no name"),
        ("{{a b}}", {}, "`a b` is no name"),
        ("{{a..b}}", {}, "`a..b` is no name"),
        ("{{> .}}", {}, "`.` is no name"),
        ("{{>p}}", {}, "there is no partial `p`; declared: none"),
        ("{{>p}}", {"q": "", "r": ""}, "declared: q, r"),
        ("{{>p}}", {"p": "x\n{{#a}}"}, "partial `p`, line 2, column 1: the section `a`"),
        ("{{>p}}", {"p": "{{>q}}", "q": "{{>p}}"}, "a partial can't contain itself (p → q → p)"),
        ("x" * (TEMPLATE_CHARS_MAX + 1), {}, f"longer than {TEMPLATE_CHARS_MAX} characters"),
        ("{{a}}" * NODES_MAX, {}, f"more than {NODES_MAX} tags"),
        ("{{#a}}" * 17 + "{{/a}}" * 17, {}, f"more than {DEPTH_MAX} sections"),
    ],
)
def test_what_cannot_be_compiled_says_where_and_why(
    source: str, partials: dict[str, str], told: str
) -> None:
    with pytest.raises(TemplateInvalid) as refused:
        compile_template(source, partials)
    assert told in str(refused.value)


def test_partials_that_multiply_are_refused_before_they_fill_the_memory() -> None:
    partials = {f"p{level}": f"{{{{>p{level + 1}}}}}" * 10 for level in range(30)} | {"p30": "x"}
    with pytest.raises(TemplateInvalid, match="its partials counted"):
        compile_template("{{>p0}}", partials)


def test_sections_of_partials_count_for_the_depth() -> None:
    partials = {"p": "{{#a}}" * DEPTH_MAX + "{{/a}}" * DEPTH_MAX}
    assert compile_template("{{>p}}", partials).render({}) == ""
    with pytest.raises(TemplateInvalid, match="sections within one another"):
        compile_template("{{#a}}{{>p}}{{/a}}", partials)


def test_a_template_tells_which_names_it_uses() -> None:
    template = compile_template("{{a.b}}\n{{#l}}{{.}}{{>p}}{{/l}}{{^n}}{{/n}}", {"p": "{{c}}"})
    told = [(use.path, use.sigil, use.place) for use in template.uses]
    assert told == [
        (("a", "b"), "", "line 1, column 1"),
        (("l",), "#", "line 2, column 1"),
        (("n",), "^", "line 2, column 24"),
    ]
    within = [(use.path, use.place) for use in template.uses[1].inner]
    assert within == [((), "line 2, column 7"), (("c",), "partial `p`, line 1, column 1")]


def test_what_gets_too_long_is_refused() -> None:
    template = compile_template("{{x}}" * 100)
    assert len(template.render({"x": "y" * (RENDERED_CHARS_MAX // 100)})) == RENDERED_CHARS_MAX
    with pytest.raises(InvalidRequest, match="too long") as refused:
        template.render({"x": "y" * (RENDERED_CHARS_MAX // 100 + 1)})
    assert refused.value.param == "metadata.variables"


@pytest.mark.parametrize("inside", ["{{.}}", "", "{{#m}}{{/m}}"])
def test_lists_that_are_too_long_are_refused(inside: str) -> None:
    template = compile_template("{{#l}}" + inside + "{{/l}}")
    with pytest.raises(InvalidRequest, match="lists are too long"):
        template.render({"l": [""] * 200_000, "m": [1]})


def test_templates_of_one_prompt_share_what_they_may_use() -> None:
    template, allowance = compile_template("{{x}}"), Allowance(chars=10)
    assert template.render({"x": "123456"}, allowance) == "123456"
    with pytest.raises(InvalidRequest):
        template.render({"x": "12345"}, allowance)


@given(st.text(), st.lists(st.text()), st.text())
def test_values_come_through_as_they_are(value: str, items: list[str], other: str) -> None:
    values = {"v": value, "l": items, "o": {"p": other}}
    source = "<{{v}}|{{#l}}({{.}}){{/l}}|{{{o.p}}}|{{&v}}>"
    listed = "".join(f"({item})" for item in items)
    assert rendered(source, values) == f"<{value}|{listed}|{other}|{value}>"


@given(st.text(alphabet=" \t\r\nab{}#^/>!.&="))
def test_any_text_is_compiled_or_refused_in_words(source: str) -> None:
    with suppress(TemplateInvalid):
        assert isinstance(rendered(source, {"a": ["x"]}, a="b"), str)


@given(st.text().filter(lambda text: "{{" not in text))
def test_text_without_tags_is_left_alone(source: str) -> None:
    assert rendered(source, {}) == source
