"""`legato workflow`: runs are started, followed, told something, ended and begun again."""

from pathlib import Path
from typing import Any

import click

from legato.cli.options import instance_options, json_option, server_options
from legato.cli.workflows import definition_commands
from legato.cli.workflows import pages as page_commands

_RUN = click.argument("run_id", metavar="RUN")
_INPUT = click.option(
    "--input", "given", metavar="JSON", help="What it begins with: JSON, or @FILE, or - for stdin."
)


@click.group()
def workflow() -> None:
    """Run workflows, follow them, and see what they cost."""


@workflow.command()
@json_option
def patterns(*, as_json: bool) -> None:
    """List the workflows that one may begin with."""
    from legato.cli.workflows import pattern_actions  # noqa: PLC0415 - keeps `--help` fast

    pattern_actions.show_all(as_json=as_json)


@workflow.command()
@click.option("--model", required=True, help="A route or deployment: what its models are.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="[default: print it]")
@click.argument("pattern")
def new(*, model: str, out: Path | None, pattern: str) -> None:
    """Write a definition to begin with: a PATTERN with its model named."""
    from legato.cli.workflows import pattern_actions  # noqa: PLC0415 - keeps `--help` fast

    pattern_actions.write(pattern, model, out)


@workflow.command()
@server_options
@json_option
@_INPUT
@click.option("--user", default="", help="On whose behalf, as callers name users.")
@click.option("--key-id", help="The key it acts for, where an account starts it.")
@click.option("--test", is_flag=True, help="A trial: nobody is notified, nothing outside changed.")
@click.option("--detach", is_flag=True, help="Start it and don't wait.")
@click.argument("what", metavar="WORKFLOW")
def run(**options: Any) -> None:
    """Start a run and wait for its end.

    WORKFLOW is NAME[@VERSION] of the registry, or a definition in a .yaml or .json file. Prints the
    output; ends with 0 where the run is done, 1 where it failed or was cancelled.
    """
    from legato.cli.workflows import run_actions  # noqa: PLC0415 - keeps `--help` fast

    run_actions.run(**options)


@workflow.command("list")
@server_options
@json_option
@click.option("--workflow", help="Of one workflow.")
@click.option(
    "--status",
    type=click.Choice(
        ["queued", "enqueued", "running", "waiting", "paused", "done", "failed", "cancelled"]
    ),
)
@click.option("-n", "--count", type=click.IntRange(1, 500), default=20, show_default=True)
def list_runs(**options: Any) -> None:
    """List runs, newest first."""
    from legato.cli.workflows import run_views  # noqa: PLC0415 - keeps `--help` fast

    run_views.list_runs(**options)


@workflow.command()
@server_options
@json_option
@click.option("--lineage", is_flag=True, help="What made each output, and from what.")
@click.option("--follow", is_flag=True, help="Print what happens until it ends.")
@_RUN
def show(**options: Any) -> None:
    """Print a run: its steps, what it waits for, what it cost."""
    from legato.cli.workflows import run_views  # noqa: PLC0415 - keeps `--help` fast

    run_views.show(**options)


@workflow.command()
@server_options
@click.option("--message", metavar="JSON", help="What to tell: JSON, or @FILE, or - for stdin.")
@click.option("--id", "message_id", default="", help="The same one comes once.")
@_RUN
@click.argument("topic")
def signal(**options: Any) -> None:
    """Tell a run something on a topic."""
    from legato.cli.workflows import run_actions  # noqa: PLC0415 - keeps `--help` fast

    run_actions.signal(**options)


@workflow.command()
@server_options
@_RUN
def cancel(**options: Any) -> None:
    """End a run and all below it."""
    from legato.cli.workflows import run_actions  # noqa: PLC0415 - keeps `--help` fast

    run_actions.cancel(**options)


@workflow.command()
@server_options
@click.option("--all-paused", is_flag=True, help="All that a restored backup left paused.")
@click.argument("run_id", metavar="[RUN]", required=False)
def resume(**options: Any) -> None:
    """Let a run go on that is paused, failed or cancelled: what succeeded isn't done anew."""
    from legato.cli.workflows import run_actions  # noqa: PLC0415 - keeps `--help` fast

    run_actions.resume(**options)


@workflow.command()
@server_options
@json_option
@_INPUT
@click.option("--from", "from_node", default="", metavar="NODE", help="What isn't behind it stays.")
@click.option("--detach", is_flag=True, help="Start it and don't wait.")
@_RUN
def replay(**options: Any) -> None:
    """Begin a run again, on the definition it had, with what it began with."""
    from legato.cli.workflows import run_actions  # noqa: PLC0415 - keeps `--help` fast

    run_actions.replay(**options)


@workflow.command()
@instance_options
@json_option
@click.option("--org", default="default", show_default=True, help="Whose.")
@click.option("--author", default="operator", show_default=True, help="Who; kept with it.")
@click.option(
    "--from",
    "outcomes",
    required=True,
    type=click.File("rb"),
    metavar="FILE",
    help='Outcomes, one a line: {"confidence": 0.9, "correct": true}; - for stdin.',
)
@click.argument("name")
def calibrate(**options: Any) -> None:
    """Fit how often confidences are right to labelled outcomes, and keep it as NAME."""
    from legato.cli.workflows import calibrating  # noqa: PLC0415 - keeps `--help` fast

    calibrating.calibrate(**options)


@workflow.command()
@instance_options
@json_option
@click.option("--org", default="default", show_default=True, help="Whose.")
@click.argument("name", required=False, default="")
def calibrations(**options: Any) -> None:
    """List the calibrations of confidences, or show the one called NAME."""
    from legato.cli.workflows import calibrating  # noqa: PLC0415 - keeps `--help` fast

    calibrating.show(**options)


@workflow.group("dead-letters")
def dead_letters() -> None:
    """See runs that failed, and begin them again."""


@dead_letters.command("list")
@server_options
@json_option
@click.option("--workflow", help="Of one workflow.")
@click.option("-n", "--count", type=click.IntRange(1, 500), default=20, show_default=True)
def list_letters(**options: Any) -> None:
    """List those that are open, newest first."""
    from legato.cli.workflows import run_views  # noqa: PLC0415 - keeps `--help` fast

    run_views.list_letters(**options)


@dead_letters.command("show")
@server_options
@json_option
@_RUN
def show_letter(**options: Any) -> None:
    """Print why one failed, with what it began with and what was tried."""
    from legato.cli.workflows import run_views  # noqa: PLC0415 - keeps `--help` fast

    run_views.show_letter(**options)


@dead_letters.command()
@server_options
@_INPUT
@click.option("--all", "every", is_flag=True, help="All that are open.")
@click.option("--workflow", help="With --all: of one workflow.")
@click.argument("run_ids", metavar="[RUN]...", nargs=-1)
def redrive(**options: Any) -> None:
    """Begin failed runs again, with what they began with or another input; each once."""
    from legato.cli.workflows import run_actions  # noqa: PLC0415 - keeps `--help` fast

    run_actions.redrive(**options)


@dead_letters.command()
@server_options
@click.option("--all", "every", is_flag=True, help="All that are open.")
@click.option("--workflow", help="With --all: of one workflow.")
@click.argument("run_ids", metavar="[RUN]...", nargs=-1)
def dismiss(**options: Any) -> None:
    """Say that nothing is to come of failed runs."""
    from legato.cli.workflows import run_actions  # noqa: PLC0415 - keeps `--help` fast

    run_actions.dismiss(**options)


for _command in (*definition_commands.COMMANDS, *page_commands.COMMANDS):
    workflow.add_command(_command)
