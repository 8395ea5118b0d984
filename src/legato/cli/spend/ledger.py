"""`legato ledger`: what was spent, by whom, for what."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from legato.cli.options import instance_options, json_option
from legato.cli.spans import moment

TAIL_MAX = 10_000
Command = TypeVar("Command", bound=Callable[..., Any])


def _filters(command: Command) -> Command:
    """Add the options that narrow which entries are meant."""
    for option in (
        click.option("--deployment", help="Only this deployment's."),
        click.option("--feature", help="Only this feature's."),
        click.option("--team", help="Only this team's."),
        click.option("--until", type=moment, help="Before this time, or a span ago."),
        click.option("--since", type=moment, help="From this time (2026-08-06) or span ago (24h)."),
    ):
        command = option(command)
    return command


@click.group()
def ledger() -> None:
    """Read, sum, export and verify the ledger. It follows the traffic within a second."""


@ledger.command()
@instance_options
@json_option
@_filters
@click.option("-n", "--count", type=click.IntRange(1, TAIL_MAX), default=20, show_default=True)
@click.option("-f", "--follow", is_flag=True, help="Go on with new entries until Ctrl-C.")
def tail(
    config_file: Path | None,
    data: Path,
    *,
    as_json: bool,
    count: int,
    follow: bool,
    **narrowed: Any,
) -> None:
    """Show the newest entries; with --json one a line."""
    from legato.cli.spend import ledger_actions  # noqa: PLC0415 - keeps `--help` fast

    wanted = ledger_actions.entry_filter(**narrowed)
    with ledger_actions.opened(data, config_file) as stored:
        ledger_actions.tail(stored, wanted, count, as_json=as_json, follow=follow)


@ledger.command("sum")
@instance_options
@json_option
@_filters
@click.option(
    "--by",
    default="team",
    show_default=True,
    help="team,feature,model,deployment,day,... or total.",
)
def sum_entries(
    config_file: Path | None, data: Path, *, as_json: bool, by: str, **narrowed: Any
) -> None:
    """Sum spend, baseline and what was saved."""
    from legato.cli.spend import ledger_actions  # noqa: PLC0415

    wanted = ledger_actions.entry_filter(**narrowed)
    with ledger_actions.opened(data, config_file) as stored:
        ledger_actions.sum_entries(stored, wanted, by, as_json=as_json)


@ledger.command()
@instance_options
@_filters
@click.option(
    "--format", "form", type=click.Choice(["csv", "jsonl", "parquet"]), default="csv",
    show_default=True,
)  # fmt: skip
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Default: stdout."
)
def export(
    config_file: Path | None, data: Path, *, form: str, output: Path | None, **narrowed: Any
) -> None:
    """Write entries out in full; amounts are nano-USD, and exact dollars beside them."""
    from legato.cli.spend import ledger_actions, ledger_export  # noqa: PLC0415

    wanted = ledger_actions.entry_filter(**narrowed)
    with ledger_actions.opened(data, config_file) as stored:
        ledger_actions.record_export(stored, wanted, form)
        ledger_export.export(stored, wanted, form, output)


@ledger.command()
@instance_options
@json_option
def verify(config_file: Path | None, data: Path, *, as_json: bool) -> None:
    """Recompute everything and check every rule; exit with 1 when one is broken."""
    from legato.cli.spend import ledger_actions  # noqa: PLC0415

    with ledger_actions.opened(data, config_file) as stored:
        if not ledger_actions.verify(stored, as_json=as_json):
            raise click.exceptions.Exit(1)


@ledger.command()
@click.argument("request_id")
@instance_options
@json_option
def trace(request_id: str, config_file: Path | None, data: Path, *, as_json: bool) -> None:
    """Show how one request went, stage by stage; exit with 1 when no trace of it is kept."""
    from legato.cli.spend import ledger_actions  # noqa: PLC0415

    with ledger_actions.opened(data, config_file) as stored:
        if not ledger_actions.trace(stored, request_id, as_json=as_json):
            raise click.exceptions.Exit(1)
