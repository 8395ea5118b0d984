"""`legato triggers`: what begins runs by itself."""

from typing import Any

import click

from legato.cli.options import json_option, server_options

_TRIGGER = click.argument("trigger", metavar="WORKFLOW/TRIGGER")
_LETTER = click.argument("letter_id", metavar="ID")


@click.group()
def triggers() -> None:
    """See what begins runs of workflows by itself, and steer it."""


@triggers.command("list")
@server_options
@json_option
def list_triggers(**options: Any) -> None:
    """List triggers: of versions in force, and those that were once heard of."""
    from legato.cli.workflows import trigger_actions  # noqa: PLC0415 - keeps `--help` fast

    trigger_actions.list_triggers(**options)


@triggers.command()
@server_options
@json_option
@_TRIGGER
def show(**options: Any) -> None:
    """Print how a trigger stands: counts, next times, where a webhook is sent to, trouble."""
    from legato.cli.workflows import trigger_actions  # noqa: PLC0415

    trigger_actions.show(**options)


@triggers.command()
@server_options
@_TRIGGER
def pause(**options: Any) -> None:
    """Have a trigger rest: brokers keep what comes, webhooks are answered 503."""
    from legato.cli.workflows import trigger_actions  # noqa: PLC0415

    trigger_actions.pause(paused=True, **options)


@triggers.command()
@server_options
@_TRIGGER
def resume(**options: Any) -> None:
    """Let a trigger listen again."""
    from legato.cli.workflows import trigger_actions  # noqa: PLC0415

    trigger_actions.pause(paused=False, **options)


@triggers.command()
@server_options
@click.option("--since", required=True, metavar="TIME", help="As 2026-08-06T00:00:00Z; included.")
@click.option("--until", required=True, metavar="TIME", help="Not included.")
@_TRIGGER
def backfill(**options: Any) -> None:
    """Begin a run for each time of a schedule within a span; those that began one don't again."""
    from legato.cli.workflows import trigger_actions  # noqa: PLC0415

    trigger_actions.backfill(**options)


@triggers.command("test")
@server_options
@json_option
@click.option("--event-data", "given", metavar="JSON", help="The event's data: JSON, @FILE, or -.")
@click.option("--type", "event_type", default="trial", show_default=True, help="Of the event.")
@click.option("--subject", default="", help="Of the event.")
@_TRIGGER
def try_one(**options: Any) -> None:
    """Print what an event would begin a run with. Nothing begins.

    Ends with 1 where it would begin none.
    """
    from legato.cli.workflows import trigger_actions  # noqa: PLC0415

    trigger_actions.try_one(**options)


@triggers.command("dead-letters")
@server_options
@json_option
@click.option("--workflow", default="", help="Of one workflow.")
@click.option(
    "--state", type=click.Choice(["open", "redriven", "dismissed"]), default="open",
    show_default=True,
)  # fmt: skip
@click.option("-n", "--count", type=click.IntRange(1, 500), default=20, show_default=True)
@click.argument("letter_id", metavar="[ID]", required=False)
def dead_letters(**options: Any) -> None:
    """List messages that never became runs, newest first; with an ID, print one whole."""
    from legato.cli.workflows import trigger_actions  # noqa: PLC0415

    trigger_actions.dead_letters(**options)


@triggers.command()
@server_options
@click.option("--event", metavar="JSON", help="What it should have been: JSON, @FILE, or -.")
@_LETTER
def redrive(**options: Any) -> None:
    """Begin a run of a message that became none; once."""
    from legato.cli.workflows import trigger_actions  # noqa: PLC0415

    trigger_actions.redrive(**options)


@triggers.command()
@server_options
@_LETTER
def dismiss(**options: Any) -> None:
    """Say that nothing is to come of a message."""
    from legato.cli.workflows import trigger_actions  # noqa: PLC0415

    trigger_actions.dismiss(**options)
