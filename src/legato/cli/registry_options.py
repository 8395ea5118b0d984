"""Options of the registry's commands, always with the same names and meaning."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from legato.cli.options import instance_options

Command = TypeVar("Command", bound=Callable[..., Any])


def registry_options(command: Command) -> Command:
    """Add `--org`, `--environment`, and where the instance is."""
    for option in (
        click.option("--environment", help="Whose labels.  [default: the configured one]"),
        click.option(
            "--org",
            default="default",
            show_default=True,
            help='Whose registry; "" for that of the instance alone.',
        ),
    ):
        command = option(command)
    return instance_options(command)


def author_options(command: Command) -> Command:
    """Add who changes something, and why."""
    for option in (
        click.option("--reason", default="", help="Why; kept with the change."),
        click.option("--author", help="Who; kept with the change.  [default: this user]"),
    ):
        command = option(command)
    return command
