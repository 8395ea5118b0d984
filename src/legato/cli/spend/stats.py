"""`legato stats`: a running instance at a glance."""

from pathlib import Path

import click

from legato.cli.options import data_option, json_option


@click.command()
@data_option
@json_option
@click.option("--once", is_flag=True, help="Measure for one interval, print, end.")
@click.option(
    "--interval",
    "interval_s",
    type=click.FloatRange(0.5, 60.0),
    default=2.0,
    show_default=True,
    help="Seconds between two readings.",
)
def stats(data: Path, *, as_json: bool, once: bool, interval_s: float) -> None:
    """Watch requests, cache hits, errors, spend and savings; --json prints once."""
    from legato.cli.spend import stats_view  # noqa: PLC0415 - keeps `--help` fast

    if once or as_json:
        stats_view.print_once(data, interval_s, as_json=as_json)
    else:
        stats_view.watch(data, interval_s)
