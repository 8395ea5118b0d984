"""`legato insight`, `legato savings` and `legato kpis`: what the ledger says, figure by figure."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from legato.cli.options import instance_options, json_option

Command = TypeVar("Command", bound=Callable[..., Any])
_ID = click.argument("insight_id", metavar="ID")
_KPI = click.argument("kpi")
_PERIOD = click.option(
    "--period",
    default="30d",
    show_default=True,
    help="30d, 2026-11, 2026-Q4, 2026 or 2026-11-01..2026-11-30; whole days in UTC.",
)
_ORG = click.option("--org", default="default", show_default=True, help="Whose.")
_AUTHOR = click.option("--author", help="Who; kept with it.  [default: this user]")


def _where(command: Command) -> Command:
    """Add what narrows the traffic."""
    command = click.option("--key", help="Only of the key with this id.")(command)
    for name in ("workflow", "model", "deployment", "route", "feature", "team", "org"):
        command = click.option(f"--{name}", help=f"Only of this {name}.")(command)
    return command


@click.group()
def insight() -> None:
    """Figures by id: each has a definition, and carries the query that makes it."""


@insight.command("list")
@json_option
def list_insights(**options: Any) -> None:
    """List all there are."""
    from legato.cli.spend import insight_actions  # noqa: PLC0415 - keeps `--help` fast

    insight_actions.list_insights(**options)


@insight.command("show")
@instance_options
@json_option
@_PERIOD
@click.option("--by", default="", help="Dimensions, separated by commas: team,feature,model,day.")
@_where
@_ID
def show_insight(**options: Any) -> None:
    """Show one, of a period, with the query that makes it."""
    from legato.cli.spend import insight_actions  # noqa: PLC0415 - keeps `--help` fast

    insight_actions.show_insight(**options)


@click.group()
def savings() -> None:
    """What is saved: modelled by prices, measured by holdouts, or against a frozen baseline."""


@savings.command("show")
@instance_options
@json_option
@_PERIOD
@_ORG
def show_savings(**options: Any) -> None:
    """Show the savings statement: the waterfall, and what holdouts measured beside it."""
    from legato.cli.spend import savings_actions  # noqa: PLC0415 - keeps `--help` fast

    savings_actions.show_savings(**options)


@savings.command("freeze")
@instance_options
@json_option
@_PERIOD
@_ORG
@_AUTHOR
@click.argument("name")
def freeze(**options: Any) -> None:
    """Sign what routes cost at their baselines in a period, and keep it for a contract."""
    from legato.cli.spend import savings_actions  # noqa: PLC0415 - keeps `--help` fast

    savings_actions.freeze(**options)


@savings.command("list")
@instance_options
@json_option
@_ORG
def list_frozen(**options: Any) -> None:
    """List frozen baselines, and whether they are what was signed."""
    from legato.cli.spend import savings_actions  # noqa: PLC0415 - keeps `--help` fast

    savings_actions.list_frozen(**options)


@savings.command("against")
@instance_options
@json_option
@_PERIOD
@_ORG
@click.argument("baseline_id", metavar="ID")
def against(**options: Any) -> None:
    """Compare a period with a frozen baseline, by its cost of a request."""
    from legato.cli.spend import savings_actions  # noqa: PLC0415 - keeps `--help` fast

    savings_actions.against(**options)


@click.group()
def kpis() -> None:
    """KPIs: how they stand, where they shall come to, and what was before and after."""


@kpis.command("list")
@instance_options
@json_option
@_PERIOD
@_ORG
@click.option("--team", help="Only of this team.")
@click.option("--feature", help="Only of this feature.")
@click.option("--workflow", help="Only of this workflow's runs.")
def list_kpis(**options: Any) -> None:
    """Show each KPI of a period with its target; where it isn't measured, what is needed."""
    from legato.cli.spend import kpi_actions  # noqa: PLC0415 - keeps `--help` fast

    kpi_actions.list_kpis(**options)


@kpis.command("set-target")
@instance_options
@_ORG
@_AUTHOR
@click.option("--team", default="", help="Of this team alone.")
@click.option("--feature", default="", help="Of this feature of the team alone.")
@click.option("--workflow", default="", help="Of this workflow's runs alone.")
@click.option("--target", default="", help="In the KPI's unit: 0.4 for 40 %, 0.005 for $0.005.")
@click.option("--baseline", default="", help="Where it stood, in the same unit.")
@click.option("--since", default="", help="The day (2026-11-01) from which it counts as after.")
@click.option("--note", default="", help="What is done for it.")
@_KPI
def set_target(**options: Any) -> None:
    """Set where a KPI shall come to; what was set before stays as an earlier version."""
    from legato.cli.spend import kpi_actions  # noqa: PLC0415 - keeps `--help` fast

    kpi_actions.set_target(**options)


@kpis.command("compare")
@instance_options
@json_option
@_ORG
@click.option("--team", default="", help="Of this team alone.")
@click.option("--feature", default="", help="Of this feature of the team alone.")
@click.option("--workflow", default="", help="Of this workflow's runs alone.")
@click.option("--each-workflow", is_flag=True, help="Of each workflow that spent or has a target.")
@click.option("--since", default="", help="The first day after.  [default: that of its target]")
@_KPI
def compare(**options: Any) -> None:
    """Compare a KPI after a day with as long before, beside its baseline and target."""
    from legato.cli.spend import kpi_actions  # noqa: PLC0415 - keeps `--help` fast

    kpi_actions.compare(**options)
