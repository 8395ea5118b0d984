"""Every command shown in the pages is one that the program has."""

from __future__ import annotations

import re
import shlex
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from legato.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

ROOT = Path(__file__).parents[2]
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")])
FENCE = re.compile(r"^ *```[^\n]*\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"`(legato [a-z][^`\n]*)`")
LEGATO = re.compile(r"(?:^|[(;|&$] ?)(?:\S+/bin/)?legato ([a-z-].*)$")

FILES = (click.Path, click.File)
NO_COMMANDS = {"legato unfinished"}  # the name of a span


def written_by(name: str) -> ModuleType:
    """Return the script that writes a page of the reference."""
    spec = spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def lines_in(block: str) -> Iterator[str]:
    """Whole lines of a block, where a backslash at the end joins two."""
    yield from re.sub(r"\\\n\s*", " ", block).splitlines()


def shown_commands() -> Iterator[pytest.ParameterSet]:
    for page in PAGES:
        for block in FENCE.findall(page.read_text()):
            for line in lines_in(block):
                found = LEGATO.search(line.strip().removeprefix("$ "))
                if found and "..." not in line and page.name != "cli.md":
                    yield pytest.param(found[1], id=f"{page.stem}: {found[1]}")


def words_of(command_line: str) -> list[str]:
    """The words up to a pipe, a redirection or a comment; bracketed parts are optional."""
    words = shlex.split(command_line.replace("[", "").replace("]", ""), comments=True)
    ends = [n for n, word in enumerate(words) if word[0] in "|>&;)" or word == "2>"]
    return [word.rstrip(")") for word in words[: min(ends, default=len(words))]]


def leaf(words: list[str]) -> tuple[click.Command, click.Context, list[str]]:
    """The command that the words name, and what they give it."""
    command: click.Command = main
    context = click.Context(main, info_name="legato")
    rest = list(words)
    while isinstance(command, click.Group) and rest:
        child = command.get_command(context, rest[0])
        assert child is not None, f"legato has no {' '.join(words)}"
        command, context = child, click.Context(child, info_name=rest.pop(0), parent=context)
    return command, context, rest


@pytest.mark.parametrize("command_line", list(shown_commands()))
def test_a_command_line_shown_is_one_the_program_takes(command_line: str) -> None:
    command, context, arguments = leaf(words_of(command_line))
    assert not isinstance(command, click.Group), "a group alone does nothing"
    if "--help" in arguments:
        return
    given, left, _ = command.make_parser(context).parse_args(arguments)
    assert left == []
    for parameter in command.get_params(context):
        value = given.get(parameter.name)
        assert value is not None or not parameter.required, f"{parameter.name} is missing"
        # A file in an example need not be here.
        if value is not None and not isinstance(parameter.type, FILES):
            if parameter.multiple or parameter.nargs == -1:
                for one in value:
                    parameter.type(one, parameter, context)
            elif not (isinstance(parameter, click.Option) and parameter.is_flag):
                parameter.type(value, parameter, context)


def inline_commands() -> list[pytest.ParameterSet]:
    found = {text for page in PAGES for text in INLINE.findall(page.read_text())} - NO_COMMANDS
    return [pytest.param(text, id=text) for text in sorted(found) if "|" not in text]


@pytest.mark.parametrize("text", inline_commands())
def test_a_command_named_in_a_sentence_exists(text: str) -> None:
    command, context, arguments = leaf(words_of(text.removeprefix("legato ")))
    options = {option for parameter in command.get_params(context) for option in parameter.opts}
    named = {word.partition("=")[0] for word in arguments if word.startswith("--")}
    assert named <= options | {"--help"}


def test_the_reference_of_commands_is_what_the_program_says() -> None:
    reference = written_by("cli_reference")
    assert reference.PAGE.read_text() == reference.page(), "run: python docs/cli_reference.py"


def test_the_format_of_workflows_is_what_the_types_say() -> None:
    reference = written_by("workflow_reference")
    told = "run: python docs/workflow_reference.py"
    assert reference.PAGE.read_text() == reference.page(), told
