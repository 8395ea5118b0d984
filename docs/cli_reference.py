"""Writes docs/reference/cli.md from the commands themselves: `python docs/cli_reference.py`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from legato.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).parent / "reference" / "cli.md"
_HEAD = """\
<!-- Written by docs/cli_reference.py; a test compares. Change the commands, not this page. -->

# Commands

Most commands take `--data`, the data directory they work on, and find the configuration it was
last started with. They work beside a running server and without one. What is meant for scripts
goes to stdout, all else to stderr. The exit status is 0 when all went well, 2 for a wrong command
line or configuration, 1 for anything else.
"""


def commands(command: click.Command, context: click.Context) -> Iterator[click.Context]:
    """Yield the context of every command that does something, in order."""
    if not isinstance(command, click.Group):
        yield context
        return
    for name in command.list_commands(context):
        child = command.get_command(context, name)
        if child is not None and not child.hidden:
            yield from commands(child, click.Context(child, info_name=name, parent=context))


def page() -> str:
    """Return the whole page."""
    root = click.Context(main, info_name="legato")
    return _HEAD + "".join(map(_section, commands(main, root)))


def _section(context: click.Context) -> str:
    command = context.command
    said = "\n\n".join(" ".join(part.split()) for part in (command.help or "").split("\n\n"))
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    rows = [
        (" ".join(record[0].split()), record[1])
        for parameter in command.get_params(context)
        if isinstance(parameter, click.Option)
        and "--help" not in parameter.opts
        and (record := parameter.get_help_record(context))
    ]
    table = "".join(f"| `{_cell(name)}` | {_cell(text)} |\n" for name, text in rows)
    options = f"\n| option | meaning |\n|---|---|\n{table}" if rows else ""
    return f"\n## {context.command_path}\n\n```text\n{usage}\n```\n\n{said}\n{options}"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").replace("*", "\\*").split())


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
