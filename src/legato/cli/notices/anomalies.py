"""`legato anomalies`: spend that isn't as it was."""

from pathlib import Path

import click

from legato.cli.options import instance_options, json_option

_ID = click.argument("anomaly", metavar="ID")


@click.group()
def anomalies() -> None:
    """See hours in which features spent what is unusual for them, and why."""


@anomalies.command("list")
@instance_options
@json_option
@click.option("--open", "open_only", is_flag=True, help="Those that nobody has acknowledged.")
@click.option("--count", type=click.IntRange(1, 1000), default=50, show_default=True)
def list_anomalies(
    config_file: Path | None, data: Path, *, as_json: bool, open_only: bool, count: int
) -> None:
    """List anomalies, newest first."""
    from legato.cli.notices import anomaly_actions as actions  # noqa: PLC0415 - fast --help

    actions.list_anomalies((data, config_file), count, open_only=open_only, as_json=as_json)


@anomalies.command()
@instance_options
@json_option
@_ID
def show(config_file: Path | None, data: Path, anomaly: str, *, as_json: bool) -> None:
    """Show one: what was spent, what is usual, what each factor brought."""
    from legato.cli.notices import anomaly_actions as actions  # noqa: PLC0415

    actions.show((data, config_file), anomaly, as_json=as_json)


@anomalies.command()
@instance_options
@json_option
@_ID
def explain(config_file: Path | None, data: Path, anomaly: str, *, as_json: bool) -> None:
    """Explain one by the hours before and after, model by model."""
    from legato.cli.notices import anomaly_actions as actions  # noqa: PLC0415

    actions.explain((data, config_file), anomaly, as_json=as_json)


@anomalies.command()
@instance_options
@_ID
def acknowledge(config_file: Path | None, data: Path, anomaly: str) -> None:
    """Say that one is dealt with."""
    from legato.cli.notices import anomaly_actions as actions  # noqa: PLC0415

    actions.acknowledge((data, config_file), anomaly)
