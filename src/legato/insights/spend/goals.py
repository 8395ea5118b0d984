"""Where KPIs shall come to, and what became of them before and after a day."""

from decimal import Decimal, InvalidOperation

import msgspec

from legato.core.errors import Conflict, InvalidRequest, NotFound
from legato.economics.kpis import Unit
from legato.insights.spend.desk import KPIS, Asked, InsightRow, Insights
from legato.storage.database.windows import day_text
from legato.storage.kpis.goals import Goal, GoalStore

BEFORE_DAYS = 30
OF_WORKFLOWS = frozenset(KPIS) - {
    "ai-cogs", "contribution-margin", "cost-per-user", "deployment-frequency",
    "personal-data-stopped", "policy-triggers", "time-to-detection", "time-to-resolution",
    "wrong-hit-rate",
}  # fmt: skip
"""KPIs that entries alone say, which a workflow's tags tell apart."""
_NANO = 10**9
_DAYS_MAX = 3_000


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """A KPI before and after a day, beside what was set for it. Values are in its unit."""

    kpi: str
    unit: str
    team: str
    feature: str
    workflow: str
    before_days: str
    after_days: str
    before: InsightRow
    after: InsightRow
    baseline: str
    target: str
    is_reached: bool | None
    """Whether the value after meets the target; None where either is missing."""


class Goals:
    """Within the reach of the store and the insights. May raise StorageUnavailable."""

    def __init__(self, store: GoalStore, insights: Insights, today: int) -> None:
        """`today`: days from the epoch."""
        self._store = store
        self._insights = insights
        self._today = today

    def in_force(self) -> list[Goal]:
        """Return what is set."""
        return self._store.in_force()

    def versions(self, kpi: str) -> list[Goal]:
        """Return all that was ever set for a KPI. Raises NotFound."""
        _known(kpi)
        return self._store.versions(kpi)

    def set(self, goal: Goal) -> Goal:
        """Set one anew: what was set stays as an earlier version.

        Raises:
            InvalidRequest: neither baseline nor target is given, or one is no number.
            NotFound: there is no such KPI.
        """
        _known(goal.kpi)
        if not goal.baseline and not goal.target:
            raise InvalidRequest("target: give a target, a baseline or both", param="target")
        if goal.feature and not goal.team:
            raise InvalidRequest("team: name the team of the feature", param="team")
        if goal.workflow and goal.kpi not in OF_WORKFLOWS:
            told = ", ".join(sorted(OF_WORKFLOWS))
            msg = f"workflow: {goal.kpi} isn't told apart by workflow; take one of {told}"
            raise InvalidRequest(msg, param="workflow")
        for name in ("org", "team", "feature", "workflow", "note", "author"):
            if not getattr(goal, name).isprintable():
                raise InvalidRequest(f"{name}: write it in one line, without controls", param=name)
        for name in ("baseline", "target"):
            _number(getattr(goal, name), name)
        return self._store.set(goal)

    def compare(
        self,
        kpi: str,
        team: str = "",
        feature: str = "",
        *,
        workflow: str = "",
        since_day: int | None = None,
    ) -> Compared:
        """Compare a KPI after a day, today included, with as long before, 30 days at most.

        Raises:
            NotFound: there is no such KPI.
            Conflict: no day is given, and none is set.
            InvalidRequest: the day is not before today.
        """
        _known(kpi)
        goal = next(
            (
                one
                for one in self._store.in_force()
                if (one.kpi, one.team, one.feature, one.workflow) == (kpi, team, feature, workflow)
            ),
            None,
        )
        day = since_day if since_day is not None or goal is None else goal.since_day
        if day is None:
            raise Conflict("since: say since when: no day is set for this KPI", param="since")
        if not self._today - _DAYS_MAX <= day <= self._today:
            raise InvalidRequest(f"since: {day_text(day)} isn't a day up to today", param="since")
        days = min(BEFORE_DAYS, max(1, self._today + 1 - day))
        named = (("team", team), ("feature", feature), ("workflow", workflow))
        where = {name: value for name, value in named if value}
        spans = [
            f"{day_text(day - days)}..{day_text(day - 1)}",
            f"{day_text(day)}..{day_text(self._today)}",
        ]
        before, after = (self._insights.kpi(kpi, Asked(span, (), where)) for span in spans)
        target = "" if goal is None else goal.target
        return Compared(
            kpi=kpi,
            unit=KPIS[kpi].unit,
            team=team,
            feature=feature,
            workflow=workflow,
            before_days=spans[0],
            after_days=spans[1],
            before=before,
            after=after,
            baseline="" if goal is None else goal.baseline,
            target=target,
            is_reached=_reached(kpi, after, target),
        )

    def compare_workflows(self, kpi: str, *, since_day: int | None = None) -> list[Compared]:
        """Compare a KPI of each workflow that spent in the last 30 days or has a target for it.

        Without a day, of those whose target has one.

        Raises:
            NotFound: there is no such KPI.
            InvalidRequest: it isn't told apart by workflow, or the day is not before today.
        """
        _known(kpi)
        if kpi not in OF_WORKFLOWS:
            told = ", ".join(sorted(OF_WORKFLOWS))
            msg = f"kpi: {kpi} isn't told apart by workflow; take one of {told}"
            raise InvalidRequest(msg, param="kpi")
        goals = {
            one.workflow: one
            for one in self._store.in_force()
            if one.kpi == kpi and one.workflow and not one.team
        }
        spent = self._insights.show("spend", Asked(f"{BEFORE_DAYS}d", ("workflow",))).rows
        names = {*goals, *(row.group["workflow"] for row in spent)} - {""}
        if since_day is None:
            names = {name for name in names if name in goals and goals[name].since_day is not None}
        return [self.compare(kpi, workflow=name, since_day=since_day) for name in sorted(names)]


def _reached(kpi: str, row: InsightRow, target: str) -> bool | None:
    if not target or row.needs:
        return None
    wanted = Decimal(target) * (_NANO if KPIS[kpi].unit is Unit.NANO_USD else 1)
    if KPIS[kpi].lower_is_better:
        return row.numerator <= wanted * row.denominator
    return row.numerator >= wanted * row.denominator


def _known(kpi: str) -> None:
    if kpi not in KPIS:
        known = ", ".join(sorted(KPIS))
        raise NotFound(f"kpi: there is no {kpi[:40]!r}; there are {known}", param="kpi")


def _number(text: str, name: str) -> None:
    try:
        is_number = not text or Decimal(text).is_finite()
    except InvalidOperation:
        is_number = False
    if not is_number:
        told = f"{name}: {text[:40]!r} isn't a decimal number: write 0.4 for 40 %, 0.005 for $0.005"
        raise InvalidRequest(told, param=name)
