"""Checks a prompt before it becomes a version, telling every problem with its place at once."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import UNSET

from legato.core.errors import InvalidRequest
from legato.core.json_schema import schema_problem
from legato.registry.names import NameCheck
from legato.registry.prompt import ImagePart, PromptMessage, PromptSpec, PromptTest, parts_of
from legato.registry.reading import ContentInvalid, Problem, problems_in, readable_fields, unplain
from legato.registry.tags import TemplateInvalid
from legato.registry.template import Template, compile_template
from legato.registry.variables import Variable, accept, accept_all

_NESTED_MAX = 5
_WITH_LENGTH = frozenset({"string", "list"})
_WITH_CHOICES = frozenset({"string", "integer", "number"})


def check_prompt(content: Any) -> PromptSpec:
    """Return a prompt written as plain data.

    Raises:
        ContentInvalid: with all problems: what is unknown, missing or wrong, templates that
            don't compile, names that aren't declared, variables that nothing uses, and tests
            that the prompt itself would refuse.
    """
    if problems := list(unplain(content)):
        raise ContentInvalid("prompt", problems)
    problems = problems_in(content, PromptSpec)
    if not isinstance(content, dict):
        raise ContentInvalid("prompt", problems)
    parts = readable_fields(content, PromptSpec)
    variables: Mapping[str, Variable] = parts.get("variables", {})
    for name, variable in variables.items():
        problems += _variable_problems(variable, f"variables.{name}")
    known = "variables" in parts or "variables" not in content
    if "messages" in parts:
        names = NameCheck(variables, problems if known else [])
        used = _check_messages(parts["messages"], parts.get("partials", {}), names, problems)
        if known:
            problems += _unused(variables, parts.get("partials", {}), names.used, used)
    schema = parts.get("output_schema")
    if schema is not None and (found := schema_problem(schema)) is not None:
        problems.append(Problem(".".join(("output_schema", *map(str, found[0]))), found[1]))
    problems += _test_problems(parts.get("tests", ()), variables if known else None)
    if problems:
        raise ContentInvalid("prompt", problems)
    return msgspec.convert(content, PromptSpec)


def _check_messages(
    messages: Sequence[PromptMessage],
    partials: Mapping[str, str],
    names: NameCheck,
    problems: list[Problem],
) -> set[str]:
    """Check each template; return the partials they use."""
    used: set[str] = set()
    speaking = False
    for index, message in enumerate(messages):
        speaking = speaking or message.role != "system"
        if speaking and message.role == "system":
            told = "system messages come first; move it before the others"
            problems.append(Problem(f"messages[{index}].role", told))
        for place, source, is_image in _sources(message, f"messages[{index}].content"):
            if is_image and message.role != "user":
                problems.append(Problem(place, "images stand in messages of role user only"))
            template = _compiled(source, partials, place, problems)
            if template is None:
                used |= set(partials)  # which of them it uses can't be known
                names.used |= set(names.declared)
                continue
            names.check(template.uses, place)
            used |= template.partials
    return used


def _sources(message: PromptMessage, place: str) -> Iterator[tuple[str, str, bool]]:
    for index, part in enumerate(parts_of(message)):
        at = place if isinstance(message.content, str) else f"{place}[{index}]"
        if isinstance(part, ImagePart):
            yield f"{at}.image_url.url", part.image_url.url, True
        else:
            yield at, part.text, False


def _compiled(
    source: str, partials: Mapping[str, str], place: str, problems: list[Problem]
) -> Template | None:
    try:
        return compile_template(source, partials)
    except TemplateInvalid as error:
        problems.append(Problem(place, str(error)))
    return None


def _unused(
    variables: Mapping[str, Variable],
    partials: Mapping[str, str],
    used_names: set[str],
    used_partials: set[str],
) -> Iterator[Problem]:
    for name in variables:
        if name not in used_names:
            yield Problem(f"variables.{name}", "no template uses it; use it or take it out")
    for name in partials:
        if name not in used_partials:
            yield Problem(f"partials.{name}", "no message uses it; use it or take it out")


def _variable_problems(variable: Variable, place: str, level: int = 1) -> Iterator[Problem]:
    kind = variable.type
    if level > _NESTED_MAX:
        yield Problem(place, f"is nested more than {_NESTED_MAX} levels deep")
        return
    for field, kinds, told in (
        ("max_length", _WITH_LENGTH, "only strings and lists have one"),
        ("enum", _WITH_CHOICES, "only strings and numbers have one"),
        ("items", {"list"}, "only lists have them"),
        ("properties", {"object"}, "only objects have them"),
    ):
        if getattr(variable, field) and kind not in kinds:
            yield Problem(f"{place}.{field}", told)
    whole = msgspec.structs.replace(variable, enum=())
    for index, choice in enumerate(variable.enum if kind in _WITH_CHOICES else ()):
        yield from _refused(whole, choice, f"{place}.enum[{index}]")
    if variable.default is not UNSET:
        yield from _refused(variable, variable.default, f"{place}.default")
    if variable.items is not None:
        if variable.items.default is not UNSET:
            yield Problem(f"{place}.items.default", "items have none; what is sent is there")
        yield from _variable_problems(variable.items, f"{place}.items", level + 1)
    for name, inner in variable.properties.items():
        yield from _variable_problems(inner, f"{place}.properties.{name}", level + 1)


def _refused(variable: Variable, value: Any, place: str) -> Iterator[Problem]:
    try:
        accept(variable, value, place)
    except InvalidRequest as error:
        yield Problem("", error.message)


def _test_problems(
    tests: Sequence[PromptTest], variables: Mapping[str, Variable] | None
) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, test in enumerate(tests):
        place, expect = f"tests[{index}]", test.expect
        if test.name in seen:
            yield Problem(f"{place}.name", f"another test is named `{test.name}`")
        seen.add(test.name)
        if not (expect.contains or expect.not_contains or expect.regex or expect.json):
            told = "nothing is expected: give contains, not_contains, regex or json"
            yield Problem(f"{place}.expect", told)
        if problem := _regex_problem(expect.regex):
            yield Problem(f"{place}.expect.regex", problem)
        if variables is None:  # they can't be read, which is told already
            continue
        try:
            accept_all(variables, test.variables, f"{place}.variables")
        except InvalidRequest as error:
            yield Problem("", error.message)


def _regex_problem(regex: str) -> str:
    try:
        re.compile(regex)
    except re.error as error:
        return f"is no regular expression, at position {error.pos}"
    except (RecursionError, OverflowError):
        return "is too large for a regular expression"
    return ""
