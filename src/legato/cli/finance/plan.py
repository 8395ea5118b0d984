"""`legato plan`: what it costs and brings, when it pays, what volume does to it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from legato.cli.finance.options import org_option
from legato.cli.options import instance_options, json_option

_Command = TypeVar("_Command", bound=Callable[..., Any])
_ASKED = (
    click.option(
        "--days",
        type=click.IntRange(1, 400),
        default=30,
        show_default=True,
        help="Of the ledger, up to now, that a month is made of.",
    ),
    click.option("--on", default="", metavar="DATE", help="Assumptions of then.  [default: today]"),
    click.option(
        "--assume",
        multiple=True,
        metavar="NAME=VALUE",
        help="A figure for this answer only, instead of the one that is kept.",
    ),
)
_DRAWN = (
    click.option(
        "--draws",
        type=click.IntRange(0, 5000),
        default=500,
        show_default=True,
        help="Of figures within their ranges; 0: none.",
    ),
    click.option("--seed", type=int, default=1, show_default=True, help="The same draws the same."),
)


def _asked(*more: Any) -> Callable[[_Command], _Command]:
    def decorate(command: _Command) -> _Command:
        for option in reversed((*_ASKED, *more)):
            command = option(command)
        return instance_options(json_option(org_option(command)))

    return decorate


@click.group()
def plan() -> None:
    """Say what Legato costs and brings, when it pays, and where volume stops it.

    Every answer names the figures it was made of; `legato assumptions` keeps them.
    """


@plan.command()
@_asked(*_DRAWN)
def roi(config_file: Path | None, data: Path, *, as_json: bool, **asked: Any) -> None:
    """Show NPV, ROI, IRR, payback and break-even: low, base and high."""
    from legato.cli.finance import plan_actions  # noqa: PLC0415 - keeps `--help` fast

    plan_actions.roi((data, config_file), asked, as_json=as_json)


@plan.command()
@_asked()
def tco(config_file: Path | None, data: Path, *, as_json: bool, **asked: Any) -> None:
    """Show what is paid over the horizon, without Legato and with it."""
    from legato.cli.finance import plan_actions  # noqa: PLC0415

    plan_actions.tco((data, config_file), asked, as_json=as_json)


@plan.command("break-even")
@_asked()
def break_even(config_file: Path | None, data: Path, *, as_json: bool, **asked: Any) -> None:
    """Show the cumulative balance month by month, and the first that isn't below zero."""
    from legato.cli.finance import plan_actions  # noqa: PLC0415

    plan_actions.break_even((data, config_file), asked, as_json=as_json)


@plan.command()
@_asked(*_DRAWN)
def sensitivity(config_file: Path | None, data: Path, *, as_json: bool, **asked: Any) -> None:
    """Show what each figure does to the NPV by itself, and all of them drawn at once."""
    from legato.cli.finance import plan_actions  # noqa: PLC0415

    plan_actions.sensitivity((data, config_file), asked, as_json=as_json)


@plan.command()
@_asked(
    click.option(
        "--factor",
        "factors",
        multiple=True,
        type=click.IntRange(1, 1000),
        help="Times today's volume.  [default: 1, 10, 100]",
    ),
    click.option(
        "--world",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="A YAML or JSON file: tiers, commitments, limits, or a whole month.",
    ),
)
def projection(config_file: Path | None, data: Path, *, as_json: bool, **asked: Any) -> None:
    """Show a month at 10 and 100 times the volume, and where it stops being viable."""
    from legato.cli.finance import volume_actions  # noqa: PLC0415

    volume_actions.projection((data, config_file), asked, as_json=as_json)


@plan.command("self-host")
@click.argument("deployment")
@click.argument("model")
@_asked()
def self_host(
    config_file: Path | None,
    data: Path,
    deployment: str,
    model: str,
    *,
    as_json: bool,
    **asked: Any,
) -> None:
    """Say from how many tokens a month MODEL on own machines pays, instead of DEPLOYMENT.

    MODEL's speed is what `legato local bench` measured on this machine.
    """
    from legato.cli.finance import volume_actions  # noqa: PLC0415

    names = (deployment, model)
    volume_actions.self_host((data, config_file), names, asked, as_json=as_json)


@plan.command("fine-tune")
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@_asked()
def fine_tune(
    config_file: Path | None, data: Path, source: str, target: str, *, as_json: bool, **asked: Any
) -> None:
    """Say when training a model pays that answers as TO what FROM answers now."""
    from legato.cli.finance import volume_actions  # noqa: PLC0415

    names = (source, target)
    volume_actions.fine_tune((data, config_file), names, asked, as_json=as_json)


@plan.command()
@instance_options
@json_option
@org_option
@click.option("--evaluation", default="", metavar="ID", help="A recorded one (`legato eval`).")
@click.option("--scorer", default="", help="[default: the first]")
@click.option(
    "--table",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A table of outcomes and costs, as `legato route train` reads.",
)
@click.option("--model", "models", multiple=True, help="Of the table.  [default: all]")
def accuracy(config_file: Path | None, data: Path, *, as_json: bool, **wanted: Any) -> None:
    """Show what one more point of accuracy costs, step by step along the frontier."""
    from legato.cli.finance import volume_actions  # noqa: PLC0415

    volume_actions.accuracy((data, config_file), wanted, as_json=as_json)


@click.command()
@instance_options
@json_option
@org_option
@click.option("--since", default="", metavar="MONTH", help="[default: the last three whole months]")
@click.option("--until", default="", metavar="MONTH", help="Counted, too.")
def pnl(
    config_file: Path | None, data: Path, *, as_json: bool, org: str, since: str, until: str
) -> None:
    """Show each feature's profit and loss: revenue, models, review, other costs, margins."""
    from legato.cli.finance import plan_actions  # noqa: PLC0415

    plan_actions.pnl((data, config_file), (org, since, until), as_json=as_json)
