"""`legato captures`: what is kept of requests and answers."""

from pathlib import Path
from typing import Any

import click

from legato.cli.options import instance_options, json_option
from legato.cli.spans import moment

COUNT_MAX = 10_000


@click.group()
def captures() -> None:
    """Read captured requests (capture.rules); `legato privacy erase` erases them."""


@captures.command("list")
@instance_options
@json_option
@click.option("--org", default="default", show_default=True, help="Whose.")
@click.option("--feature", help="Only this feature's.")
@click.option("--route", help="Only of this route.")
@click.option("--since", type=moment, help="From this time (2026-08-06) or span ago (24h).")
@click.option("--until", type=moment, help="Before this time, or a span ago.")
@click.option("-n", "--count", type=click.IntRange(1, COUNT_MAX), default=20, show_default=True)
def list_captures(
    config_file: Path | None,
    data: Path,
    *,
    as_json: bool,
    org: str,
    count: int,
    **narrowed: Any,
) -> None:
    """Show the newest; with --json one a line, without their content."""
    from legato.cli.governance import capture_actions  # noqa: PLC0415 - keeps `--help` fast

    wanted = capture_actions.capture_filter(**narrowed)
    capture_actions.list_captures(data, config_file, org, wanted, count=count, as_json=as_json)


@captures.command()
@instance_options
@click.argument("request_id")
@click.option("--org", default="default", show_default=True, help="Whose.")
def show(config_file: Path | None, data: Path, *, request_id: str, org: str) -> None:
    """Print one as JSON, with what was asked and answered."""
    from legato.cli.governance import capture_actions  # noqa: PLC0415

    capture_actions.show_capture(data, config_file, org, request_id)
