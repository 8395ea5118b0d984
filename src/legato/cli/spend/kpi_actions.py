"""What `legato kpis` does."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from legato.cli.options import print_json
from legato.cli.spend.insight_actions import figure, opened, row_shown
from legato.cli.spend.savings_actions import who
from legato.cli.tables import print_table
from legato.core.errors import InvalidRequest
from legato.core.tenant import Tenant
from legato.insights.spend.desk import KPIS, Asked
from legato.insights.spend.goals import Compared
from legato.insights.spend.periods import day_of
from legato.storage.kpis.goals import Goal


def list_kpis(
    *,
    data: Path,
    config_file: Path | None,
    period: str,
    org: str,
    team: str | None,
    feature: str | None,
    workflow: str | None,
    as_json: bool,
) -> None:
    """Print each KPI."""
    named = (("team", team), ("feature", feature), ("workflow", workflow))
    where = {name: value for name, value in named if value}
    with opened(data, config_file) as (_, desk):
        insights = desk.insights(Tenant(org))
        rows = {name: insights.kpi(name, Asked(period, (), where)) for name in KPIS}
        goals = {
            one.kpi: one
            for one in desk.goals(Tenant(org)).in_force()
            if (one.team, one.feature, one.workflow) == (team or "", feature or "", workflow or "")
        }
    if as_json:
        print_json(
            [
                {
                    "kpi": name,
                    "unit": KPIS[name].unit,
                    "definition": KPIS[name].definition,
                    "bands": KPIS[name].bands,
                    **row_shown(row, KPIS[name].unit),
                    "goal": goals.get(name),
                }
                for name, row in rows.items()
            ]
        )
        return
    print_table(
        ("kpi", "value", "target", "baseline", "the field"),
        [
            (
                name,
                figure(row, KPIS[name].unit),
                goals[name].target if name in goals else "",
                goals[name].baseline if name in goals else "",
                KPIS[name].bands,
            )
            for name, row in rows.items()
        ],
    )


def set_target(
    *, data: Path, config_file: Path | None, kpi: str, since: str, author: str | None, **said: Any
) -> None:
    """Set a target."""
    goal = Goal(kpi=kpi, since_day=day_of(since, "since"), author=who(author), **said)
    with opened(data, config_file) as (_, desk):
        made = desk.goals(Tenant(goal.org)).set(goal)
    click.echo(f"{made.kpi}: version {made.version}")


def compare(
    *,
    data: Path,
    config_file: Path | None,
    org: str,
    as_json: bool,
    each_workflow: bool,
    **asked: Any,
) -> None:
    """Print a KPI before and after; with `each_workflow`, a line for each."""
    since = day_of(asked.pop("since"), "since")
    narrowed = [name for name in ("team", "feature", "workflow") if asked[name]]
    if each_workflow and narrowed:
        msg = f"--each-workflow: it is of all teams and workflows; leave out --{narrowed[0]}"
        raise InvalidRequest(msg, param="each-workflow")
    with opened(data, config_file) as (_, desk):
        goals = desk.goals(Tenant(org))
        if each_workflow:
            _print_workflows(goals.compare_workflows(asked["kpi"], since_day=since), as_json)
            return
        found = goals.compare(**asked, since_day=since)
    if as_json:
        print_json(_plain(found))
        return
    print_table(
        ("", "days", found.kpi),
        [
            ("before", found.before_days, figure(found.before, found.unit)),
            ("after", found.after_days, figure(found.after, found.unit)),
            ("baseline", "", found.baseline),
            ("target", "", found.target),
        ],
    )
    if found.is_reached is not None:
        click.echo("The target is reached." if found.is_reached else "The target isn't reached.")


def _plain(found: Compared) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(found)
    rows = {name: row_shown(getattr(found, name), found.unit) for name in ("before", "after")}
    return {**plain, **rows}


def _print_workflows(found: Sequence[Compared], as_json: bool) -> None:  # noqa: FBT001 - a format
    if as_json:
        print_json([_plain(one) for one in found])
        return
    reached = {None: "", True: "yes", False: "no"}
    print_table(
        ("workflow", "before", "after", "baseline", "target", "reached", "days after"),
        [
            (
                one.workflow,
                figure(one.before, one.unit),
                figure(one.after, one.unit),
                one.baseline,
                one.target,
                reached[one.is_reached],
                one.after_days,
            )
            for one in found
        ],
    )
