"""`legato guard`: what guardrails find, and what policies make of it."""

from pathlib import Path
from typing import Any

import click

from legato.cli.options import instance_options, json_option
from legato.cli.spans import span


@click.group()
def guard() -> None:
    """Look for personal data and secrets, and tell what policies did."""


@guard.command()
@json_option
@click.option(
    "--label",
    "labels",
    multiple=True,
    metavar="LABEL",
    help="Only these, or the groups `personal` and `secrets`. Repeatable.  [default: all]",
)
@click.option("--show", is_flag=True, help="Print what was found, too; it is shown in clear.")
@click.option("--fail", is_flag=True, help="End with 1 if anything was found.")
@click.argument(
    "files",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, allow_dash=True),
)
def scan(**options: Any) -> None:
    """Find personal data and secrets in FILES (`-`: standard input).

    Of a file of JSON lines (.jsonl, .ndjson) every string is looked at, keys too, and named by its
    line and its JSON pointer. Nothing leaves this machine, and no server is needed.
    """
    from legato.cli import guard_scan  # noqa: PLC0415 - keeps `--help` fast

    guard_scan.scan(**options)


@guard.command()
@instance_options
@json_option
@click.argument("request_id")
def explain(request_id: str, config_file: Path | None, data: Path, *, as_json: bool) -> None:
    """Tell what guardrails did with a request: what fired, where, how long it took.

    Never the text. Ends with 1 where no trace of the request is kept.
    """
    from legato.cli import guard_actions, ledger_actions  # noqa: PLC0415 - keeps `--help` fast

    with ledger_actions.opened(data, config_file) as stored:
        if not guard_actions.explain(stored, request_id, as_json=as_json):
            raise click.exceptions.Exit(1)


@guard.command()
@instance_options
@json_option
@click.option("--since", type=span, default="24h", show_default=True, help="Of the last 24h, 7d.")
@click.option("--policy", metavar="NAME", help="Only this policy's rules.")
def report(
    config_file: Path | None, data: Path, since: int, policy: str | None, *, as_json: bool
) -> None:
    """Sum up what policies did, those in shadow too, with ids of the newest requests."""
    from legato.cli import guard_actions, ledger_actions  # noqa: PLC0415

    with ledger_actions.opened(data, config_file) as stored:
        guard_actions.report(stored, since, policy, as_json=as_json)
