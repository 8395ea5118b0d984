"""`legato report`: figures as a workbook or pages that somebody signs."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from legato.cli.finance.options import org_option
from legato.cli.finance.report_schedules import schedule
from legato.cli.options import instance_options

if TYPE_CHECKING:
    from legato.reporting.wanted import Kind

Command = TypeVar("Command", bound=Callable[..., Any])
_KINDS: Final["dict[Kind, str]"] = {
    "roi": "Write what AI cost, what was saved, and whether it pays.",
    "savings": "Write what AI cost and what was saved.",
    "chargeback": "Write what cost centres bear of a fiscal period.",
    "pnl": "Write what each feature brings.",
    "review": "Write what could cost less in a month.",
    "digest": "Write what each team spent in seven days, beside the seven before.",
}
_OPTIONS: Final = (
    click.option(
        "--period",
        default="30d",
        show_default=True,
        help="30d, 2026-11, 2026-Q4, 2026 or 2026-11-01..2026-11-30; whole days in UTC, whole "
        "months for pnl, one for review, seven days for digest, a fiscal period's name for "
        "chargeback.",
    ),
    click.option(
        "--assume",
        multiple=True,
        metavar="NAME=VALUE",
        help="A figure for this report only, instead of the one that is kept.",
    ),
    click.option("--currency", help="Of a chargeback, as EUR.  [default: that of the books]"),
    click.option(
        "--out",
        required=True,
        type=click.Path(path_type=Path, dir_okay=False),
        help="The file; its ending says what it becomes: .xlsx, .pdf, .json, .csv, .parquet or "
        ".md.",
    ),
)


@click.group()
def report() -> None:
    """Write costs, savings and returns; have it done at times of a calendar.

    A workbook's sums are live formulas over its assumptions. The digest of each file goes into the
    audit log.
    """


def _options(command: Command) -> Command:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def _added(kind: "Kind", text: str) -> None:
    @report.command(kind, help=text)
    @instance_options
    @org_option
    @_options
    def write(**options: Any) -> None:
        from legato.cli.finance import report_actions  # noqa: PLC0415 - keeps `--help` fast

        report_actions.write(kind=kind, **options)


for _kind, _text in _KINDS.items():
    _added(_kind, _text)
report.add_command(schedule)
