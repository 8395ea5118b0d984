"""`legato feedback`: what callers made of their answers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from legato.cli.options import instance_options, json_option
from legato.cli.spans import moment

COUNT_MAX = 10_000
Command = TypeVar("Command", bound=Callable[..., Any])


def _filters(command: Command) -> Command:
    """Add the options that narrow which feedback is meant."""
    for option in (
        click.option("--versions", help="Only answers made by these versions, as listed."),
        click.option("--deployment", help="Only on this deployment's answers."),
        click.option("--feature", help="Only on this feature's answers."),
        click.option("--request", "request_id", help="Only on this request."),
        click.option("--until", type=moment, help="Before this time, or a span ago."),
        click.option("--since", type=moment, help="From this time (2026-08-06) or span ago (24h)."),
    ):
        command = option(command)
    return command


@click.group()
def feedback() -> None:
    """Read what callers said of their answers (POST /v1/feedback)."""


@feedback.command("list")
@instance_options
@json_option
@_filters
@click.option("-n", "--count", type=click.IntRange(1, COUNT_MAX), default=20, show_default=True)
def list_feedback(
    config_file: Path | None, data: Path, *, as_json: bool, count: int, **narrowed: Any
) -> None:
    """Show the newest; with --json one a line, with corrections and comments in full."""
    from legato.cli.evaluation import feedback_actions  # noqa: PLC0415 - keeps `--help` fast

    wanted = feedback_actions.feedback_filter(**narrowed)
    feedback_actions.list_feedback(data, config_file, wanted, count=count, as_json=as_json)


@feedback.command()
@instance_options
@json_option
@_filters
@click.option(
    "--by",
    default="deployment",
    show_default=True,
    help="deployment,feature,team,route,versions,arm,model_served,org,day or total.",
)
def summary(
    config_file: Path | None, data: Path, *, as_json: bool, by: str, **narrowed: Any
) -> None:
    """Sum it: the share of thumbs up, the mean score, the share accepted as it was."""
    from legato.cli.evaluation import feedback_actions  # noqa: PLC0415

    wanted = feedback_actions.feedback_filter(**narrowed)
    feedback_actions.sum_feedback(data, config_file, wanted, by=by, as_json=as_json)
