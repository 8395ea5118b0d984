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


@ledger.command("rebuild-rollups")
@instance_options
def rebuild_rollups(config_file: Path | None, data: Path) -> None:
    """Make the sums by hour and day anew from the entries; they are right all the while."""
    from legato.cli.spend import ledger_actions  # noqa: PLC0415

    with ledger_actions.opened(data, config_file) as stored:
        ledger_actions.rebuild_rollups(stored)


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


_ORG = click.option("--org", default="default", show_default=True, help="Whose books.")


@ledger.command()
@instance_options
@json_option
@_ORG
@click.option("--cost", required=True, metavar="USD", help="What it did cost.")
@click.option("--baseline", metavar="USD", help="Its baseline.  [default: as it was]")
@click.option("--reason", required=True, help="Why; it goes into the audit log.")
@click.option("--invoice", metavar="ID", help="By which invoice it came to light.")
@click.argument("entry", type=click.IntRange(min=1))
def correct(
    config_file: Path | None, data: Path, *, as_json: bool, org: str, entry: int, **said: str | None
) -> None:
    """Reverse an entry and enter what replaces it; nothing in the ledger is overwritten."""
    from legato.cli.spend import ledger_actions, ledger_correcting  # noqa: PLC0415

    told = ledger_correcting.Said(**said)  # type: ignore[arg-type]
    with ledger_actions.opened(data, config_file) as stored:
        ledger_correcting.correct(
            ledger_correcting.books_of(stored, org), entry, told, as_json=as_json
        )


@ledger.command()
@instance_options
@json_option
@_ORG
@click.option("-n", "--count", type=click.IntRange(1, 1000), default=20, show_default=True)
def corrections(
    config_file: Path | None, data: Path, *, as_json: bool, org: str, count: int
) -> None:
    """List corrections by hand, newest first."""
    from legato.cli.spend import ledger_actions, ledger_correcting  # noqa: PLC0415

    with ledger_actions.opened(data, config_file) as stored:
        ledger_correcting.list_corrections(
            ledger_correcting.books_of(stored, org), count, as_json=as_json
        )


@ledger.command()
@instance_options
@json_option
@_ORG
@click.argument("correction")
def approve(
    config_file: Path | None, data: Path, *, as_json: bool, org: str, correction: str
) -> None:
    """Approve a correction that somebody else asked for."""
    from legato.cli.spend import ledger_actions, ledger_correcting  # noqa: PLC0415

    with ledger_actions.opened(data, config_file) as stored:
        rooms = ledger_correcting.books_of(stored, org)
        ledger_correcting.decide(rooms, correction, approve=True, as_json=as_json)


@ledger.command()
@instance_options
@json_option
@_ORG
@click.argument("correction")
def refuse(
    config_file: Path | None, data: Path, *, as_json: bool, org: str, correction: str
) -> None:
    """Refuse a correction that was asked for."""
    from legato.cli.spend import ledger_actions, ledger_correcting  # noqa: PLC0415

    with ledger_actions.opened(data, config_file) as stored:
        rooms = ledger_correcting.books_of(stored, org)
        ledger_correcting.decide(rooms, correction, approve=False, as_json=as_json)


@ledger.command()
@instance_options
@_filters
@_ORG
@click.option("--period", help="A period of the books, as 2026-10, in place of --since.")
@click.option(
    "--by", "grain", type=click.Choice(["day", "entry"]), default="day", show_default=True
)
@click.option(
    "--format", "form", type=click.Choice(["csv", "parquet"]), default="csv", show_default=True
)
@click.option("--without-unpriced", is_flag=True, help="Leave entries without a price out.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), required=True)
def focus(config_file: Path | None, data: Path, *, org: str, **said: Any) -> None:
    """Write entries as FOCUS 1.2, the FinOps Foundation's form of cost and usage."""
    from legato.cli.spend import ledger_actions, ledger_focus  # noqa: PLC0415

    own = {name: said.pop(name) for name in ledger_focus.OPTIONS}
    wanted = ledger_actions.entry_filter(**said)
    with ledger_actions.opened(data, config_file) as stored:
        ledger_focus.focus(stored, org, wanted, own)
