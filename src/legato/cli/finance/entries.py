"""`legato labour`, `legato revenue`, `legato benefits`: what the gateway can't measure."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from legato.cli.finance.options import org_option
from legato.cli.options import instance_options, json_option

_SHARED = (
    click.option("--period", required=True, metavar="MONTH", help="As 2026-08."),
    click.option("--team", default=""),
    click.option("--feature", default=""),
    click.option("--source", default="", help="Where the figure is from."),
    click.option("--external-id", default="", help="The same again has no second effect."),
    click.option("--replace", is_flag=True, help="Take the place of what has this id."),
)
_LABOUR = (
    click.option("--role", required=True, help="Whose hours, as `support agent`."),
    click.option("--hours", required=True),
    click.option("--usd-per-hour", required=True, help="Loaded: wage, charges, overhead."),
    click.option(
        "--phase", type=click.Choice(["before", "after"]), default="after", show_default=True
    ),
    click.option(
        "--activity",
        type=click.Choice(["run", "review", "build"]),
        default="run",
        show_default=True,
        help="Building is paid once; reviewing belongs to a feature's P&L.",
    ),
)
_REVENUE = (
    click.option("--amount", required=True, help="Negative for what was paid back."),
    click.option("--currency", default="USD", show_default=True),
    click.option("--usd-rate", default="", help="Dollars for one unit.  [default: fx.CUR]"),
)
_BENEFIT = (
    click.option(
        "--kind",
        type=click.Choice(
            ["hours_reclaimed", "deals_unblocked", "model_swapped", "tickets_avoided", "other"]
        ),
        required=True,
    ),
    click.option("--quantity", required=True),
    click.option("--usd-each", required=True),
    click.option(
        "--tag",
        type=click.Choice(["measured", "assumed", "benchmark"]),
        default="assumed",
        show_default=True,
    ),
)


def _group(name: str, kind: str, title: str, own: tuple[Callable[..., Any], ...]) -> click.Group:
    """Return the group of one kind of entries: they differ in their own fields only."""
    group = click.Group(name, help=title)
    group.add_command(_add(kind, own))
    group.add_command(_import(kind))
    group.add_command(_list(kind))
    group.add_command(_sums(kind))
    group.add_command(_delete())
    return group


def _add(kind: str, own: tuple[Callable[..., Any], ...]) -> click.Command:
    def add(config_file: Path | None, data: Path, *, as_json: bool, **said: Any) -> None:
        from legato.cli.finance import entry_actions  # noqa: PLC0415 - keeps `--help` fast

        entry_actions.add((data, config_file), kind, said, as_json=as_json)

    command: Any = add
    for option in reversed((*_SHARED[:3], *own, *_SHARED[3:])):
        command = option(command)
    made: click.Command = click.command("add", help="Add one entry.")(
        instance_options(json_option(org_option(command)))
    )
    return made


def _import(kind: str) -> click.Command:
    @click.command("import")
    @instance_options
    @json_option
    @org_option
    @click.option("--replace", is_flag=True, help="Entries take the place of those they name.")
    @click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
    def import_file(
        config_file: Path | None,
        data: Path,
        file: Path,
        *,
        as_json: bool,
        org: str,
        replace: bool,
    ) -> None:
        """Add all of a CSV or JSON file, all or none; the same file again adds nothing."""
        from legato.cli.finance import entry_actions  # noqa: PLC0415

        entry_actions.import_file(
            (data, config_file), (kind, org), file, replace=replace, as_json=as_json
        )

    return import_file


def _narrowed(command: Any) -> Any:
    options = (
        click.option("--team", default=""),
        click.option("--feature", default=""),
        click.option("--since", default="", metavar="MONTH", help="From this month on."),
        click.option("--until", default="", metavar="MONTH", help="Up to this month."),
    )
    for option in reversed(options):
        command = option(command)
    return instance_options(json_option(org_option(command)))


def _list(kind: str) -> click.Command:
    def list_entries(config_file: Path | None, data: Path, *, as_json: bool, **wanted: str) -> None:
        from legato.cli.finance import entry_actions  # noqa: PLC0415

        entry_actions.list_entries((data, config_file), kind, wanted, as_json=as_json)

    made: click.Command = click.command("list", help="List entries.")(_narrowed(list_entries))
    return made


def _sums(kind: str) -> click.Command:
    def sums(config_file: Path | None, data: Path, *, as_json: bool, **wanted: str) -> None:
        from legato.cli.finance import entry_actions  # noqa: PLC0415

        entry_actions.sums((data, config_file), kind, wanted, as_json=as_json)

    made: click.Command = click.command("sums", help="Sum entries by month and feature.")(
        _narrowed(sums)
    )
    return made


def _delete() -> click.Command:
    @click.command()
    @instance_options
    @click.argument("entry", metavar="ID")
    def delete(config_file: Path | None, data: Path, entry: str) -> None:
        """Forget an entry; the audit log keeps its amount."""
        from legato.cli.finance import entry_actions  # noqa: PLC0415

        entry_actions.delete((data, config_file), entry)

    return delete


labour = _group(
    "labour", "labour", "Keep hours of work at loaded rates, before and after Legato.", _LABOUR
)
revenue = _group("revenue", "revenue", "Keep what features earn.", _REVENUE)
benefits = _group(
    "benefits", "benefit", "Keep benefits beyond cost: hours, deals, tickets.", _BENEFIT
)
