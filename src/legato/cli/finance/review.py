"""`legato review`: what AI could cost less, once a month."""

from pathlib import Path
from typing import Any

import click

from legato.cli.finance.options import org_option
from legato.cli.options import instance_options


@click.command()
@instance_options
@org_option
@click.option("--month", required=True, metavar="YYYY-MM", help="Of which month, in UTC.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A file, by its ending: .md, .pdf, .json, .xlsx, .csv, .parquet.  [default: print it]",
)
def review(**options: Any) -> None:
    """Say what could be spent better in a month, each line with its worth and evidence.

    Models worth replacing, retries and escalations, guardrails, reviewing, the cache, and what
    nobody uses.
    """
    from legato.cli.finance import report_actions  # noqa: PLC0415 - keeps `--help` fast

    report_actions.review(**options)
