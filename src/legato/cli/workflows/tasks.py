"""`legato tasks`: what workflows ask people."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from legato.cli.options import instance_options, json_option

Command = TypeVar("Command", bound=Callable[..., Any])
_ID = click.argument("task_id", metavar="ID")


def _options(command: Command) -> Command:
    org = click.option("--org", default="default", show_default=True, help="Whose tasks.")
    return instance_options(json_option(org(command)))


def _deciding(command: Command) -> Command:
    author = click.option("--author", help="Who decides.  [default: this user]")
    comment = click.option("--comment", default="", help="Why; kept with what is said.")
    return _options(author(comment(command)))


@click.group()
def tasks() -> None:
    """See what workflows ask people, and answer.

    Who works at this terminal may decide every task, but none that wants another person.
    """


@tasks.command("list")
@_options
@click.option(
    "--state", type=click.Choice(["open", "decided", "expired", "withdrawn"]), default="open",
    show_default=True,
)  # fmt: skip
@click.option("--all", "every", is_flag=True, help="In whatever state.")
@click.option("--workflow", default="", help="Of this workflow only.")
@click.option("--run", "run_id", default="", help="Of this run only.")
@click.option("--account", default="", help="Only what is assigned to this account.")
@click.option("-n", "--count", type=click.IntRange(1, 1000), default=20, show_default=True)
def list_tasks(**options: Any) -> None:
    """List tasks, newest first."""
    from legato.cli.workflows import task_actions  # noqa: PLC0415 - keeps `--help` fast

    task_actions.list_tasks(**options)


@tasks.command()
@_options
@_ID
def show(**options: Any) -> None:
    """Print a task: what it asks, who is asked, what was said."""
    from legato.cli.workflows import task_actions  # noqa: PLC0415

    task_actions.show(**options)


@tasks.command()
@_deciding
@_ID
def approve(**options: Any) -> None:
    """Approve it, as it stands."""
    from legato.cli.workflows import task_actions  # noqa: PLC0415

    task_actions.decide(verdict="approve", **options)


@tasks.command()
@_deciding
@_ID
def reject(**options: Any) -> None:
    """Reject it: one rejection ends it."""
    from legato.cli.workflows import task_actions  # noqa: PLC0415

    task_actions.decide(verdict="reject", **options)


@tasks.command()
@_deciding
@_ID
@click.option("--content", "given", required=True, help="JSON, or @FILE with it.")
def edit(**options: Any) -> None:
    """Approve it with other data, or fill in its form."""
    from legato.cli.workflows import task_actions  # noqa: PLC0415

    task_actions.decide(verdict="edit", **options)


@tasks.command()
@_deciding
@_ID
@click.argument("port")
def choose(**options: Any) -> None:
    """Choose one of what it offers."""
    from legato.cli.workflows import task_actions  # noqa: PLC0415

    task_actions.decide(verdict="choose", **options)


@tasks.command()
@_deciding
@_ID
@click.option("--to", "whom", required=True, help="An account, by its id or login.")
def delegate(**options: Any) -> None:
    """Let somebody else decide as well."""
    from legato.cli.workflows import task_actions  # noqa: PLC0415

    task_actions.delegate(**options)


@tasks.command()
@_deciding
@_ID
def comment(**options: Any) -> None:
    """Say something of it without deciding; needs --comment."""
    from legato.cli.workflows import task_actions  # noqa: PLC0415

    task_actions.remark(**options)
