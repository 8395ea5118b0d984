"""`legato replay`: decides recorded requests again."""

from pathlib import Path
from typing import Any

import click

from legato.cli.options import instance_options, json_option
from legato.cli.spans import moment


@click.command()
@instance_options
@json_option
@click.option("--from", "since", type=moment, help="From this time (2026-08-06) or span ago (24h).")
@click.option("--to", "until", type=moment, help="Before this time, or a span ago.")
@click.option("--request", "request_id", help="This request alone.")
@click.option("--limit", type=click.IntRange(min=1), help="No more than so many.")
@click.option("--strict", is_flag=True, help="Fail where a request can't be replayed, too.")
@click.pass_context
def replay(
    ctx: click.Context,
    /,
    config_file: Path | None,
    data: Path,
    *,
    as_json: bool,
    strict: bool,
    **wanted: Any,
) -> None:
    """Decide recorded requests again, by the versions of then, and compare with the ledger.

    Exit status 1: something differs, or nothing could be replayed.
    """
    from legato.cli import replay_actions  # noqa: PLC0415 - keeps `--help` fast

    chosen = replay_actions.Wanted(**wanted)
    ctx.exit(replay_actions.replay(data, config_file, chosen, as_json=as_json, strict=strict))
