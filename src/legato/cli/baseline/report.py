"""`legato baseline report` and `legato assess`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from legato.cli.options import instance_options, json_option

_Command = TypeVar("_Command", bound=Callable[..., Any])
_TERMS = (
    click.option("--org", default="default", show_default=True, help="Whose usage it is."),
    click.option(
        "--currency", default="USD", show_default=True, help="Of which amounts it tells."
    ),
    click.option("--since", metavar="DATE", help="From this day on (UTC)."),
    click.option("--until", metavar="DATE", help="Before this day (UTC)."),
    click.option(
        "--route", "routes", multiple=True, metavar="MODEL=CHEAPER",
        help="Which cheaper model would do for a part of a model's calls.",
    ),
    click.option(
        "--routable", metavar="LOW:POINT:HIGH",
        help="For which share of those calls, as 0.2:0.4:0.6. An assumption.",
    ),
    click.option(
        "--cacheable", metavar="LOW:POINT:HIGH",
        help="Which share of spend has input a vendor's prompt cache would hold. An assumption.",
    ),
    click.option(
        "--batchable", metavar="LOW:POINT:HIGH",
        help="For which share of spend nobody waits. An assumption.",
    ),
    click.option(
        "--hours", multiple=True, metavar="ACTIVITY=HOURS",
        help="Work a month: integrations, prompts, incidents ...",
    ),
    click.option("--rate", metavar="USD", help="The loaded cost of an hour."),
    click.option(
        "--labour", type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="YAML with a list of activity, hours, rate, tag and source.",
    ),
)  # fmt: skip


def terms(command: _Command) -> _Command:
    """Add what a report is asked for."""
    for option in reversed(_TERMS):
        command = option(command)
    return command


@click.command()
@instance_options
@json_option
@terms
def report(config_file: Path | None, data: Path, *, as_json: bool, **said: Any) -> None:
    """Say what a month costs before anything changes, and what would change.

    Each figure is measured, modelled or assumed, and says so; steps sum exactly. What nobody can
    tell is listed with what would tell it.
    """
    from legato.cli.baseline import report_actions  # noqa: PLC0415 - keeps `--help` fast

    report_actions.report((data, config_file), said, as_json=as_json)


@click.command()
@instance_options
@json_option
@terms
@click.option(
    "--own-usd",
    metavar="AMOUNT",
    help="What running the control plane would cost a month: machine and care.",
)
@click.option(
    "--code", type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="What `legato audit-code --format json` wrote.",
)  # fmt: skip
def assess(
    config_file: Path | None,
    data: Path,
    *,
    as_json: bool,
    own_usd: str | None,
    code: Path | None,
    **said: Any,
) -> None:
    """Say whether orchestration is worth it here, and what is open before it begins.

    "not yet" is an answer: it says why, and from which spend on it turns.
    """
    from legato.cli.baseline import report_actions  # noqa: PLC0415

    report_actions.assess((data, config_file), said, own_usd=own_usd, code=code, as_json=as_json)
