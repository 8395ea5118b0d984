"""The weekly digest of a team: what it spent, on what, and how its budgets stand.

Every amount is a sum of the ledger's integers. Forecasts go on at the pace so far, and say so.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import msgspec

from legato.core.budget import Budget, Measure
from legato.core.money import NanoUSD, display_usd
from legato.economics.waterfall import STEPS
from legato.notify.week import Week
from legato.storage.limits.standing import Standing
from legato.storage.notifications.weeks import Spent

MOVERS_MAX: Final = 5
_LISTED_MAX: Final = 15
_PERCENT: Final = 100
STEP_TITLES: Final = {
    "cache": "answers from the cache",
    "shortening": "shorter input",
    "routing": "routing",
    "prompt_cache": "vendors' prompt caches",
    "tier": "batches",
    "overhead": "overhead (retries, hedges, judges)",
}


class Change(msgspec.Struct, frozen=True):
    """Spend of one name, this week and the one before, in nano-USD."""

    name: str
    cost: int
    before: int

    @property
    def by(self) -> int:
        """How much more it is."""
        return self.cost - self.before

    @property
    def percent(self) -> int | None:
        """Likewise in whole percent, None where there was nothing before."""
        if not self.before:
            return None
        return round(_PERCENT * self.by / self.before)


class Burn(msgspec.Struct, frozen=True, kw_only=True):
    """How a budget stands. Figures are in what it measures, nano-USD of money.

    `forecast` is what it comes to by the end of its window at the pace so far, `empty_ns` when it
    is used up at that pace, None where it isn't, or no window ends.
    """

    name: str
    of: str
    measure: Measure
    limit: int
    used: int
    resets_at_ns: int | None
    forecast: int | None
    empty_ns: int | None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One team's week. Amounts are nano-USD."""

    org: str
    team: str
    week: Week
    total: Change
    requests: int
    attempts: int
    unpriced: int
    features: list[Change]
    models: list[Change]
    movers: list[Change]
    saved: int
    saved_by: dict[str, int]
    """By step of the waterfall; they come to `saved`."""
    budgets: list[Burn]
    triggers: list[tuple[str, str, int]]
    """Rule, action, requests."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing happened in either week."""
        return not self.attempts and not self.total.before and not self.total.cost


def compose(
    place: tuple[str, str],
    week: Week,
    spent: Sequence[Spent],
    before: Sequence[Spent],
    *,
    budgets: Iterable[Burn] = (),
    triggers: Mapping[tuple[str, str], int] | None = None,
) -> Report:
    """Put the figures of one team together; `place` is organisation and team."""
    org, team = place
    both = (spent, before)
    pairs = _changes(both, lambda one: f"{one.feature} on {one.model}")
    steps = {name: _sum(spent, f"step_{name}") for name in STEPS}
    fired = Counter(triggers or {})
    return Report(
        org=org,
        team=team,
        week=week,
        total=Change(team, _sum(spent, "cost"), _sum(before, "cost")),
        requests=_sum(spent, "requests"),
        attempts=_sum(spent, "attempts"),
        unpriced=_sum(spent, "unpriced"),
        features=_changes(both, lambda one: one.feature),
        models=_changes(both, lambda one: one.model),
        movers=sorted((one for one in pairs if one.by), key=lambda one: (-abs(one.by), one.name))[
            :MOVERS_MAX
        ],
        saved=sum(steps.values()),
        saved_by=steps,
        budgets=list(budgets),
        triggers=[(rule, action, count) for (rule, action), count in sorted(fired.items())],
    )


def burn(budget: Budget, one: Standing, now_ns: int) -> Burn:
    """Return how a counter of a budget stands, and where it goes at the pace so far."""
    used = one.settled if budget.measure is not Measure.REQUESTS else one.leased
    elapsed_ns = now_ns - one.window_start_ns
    forecast = empty_ns = None
    paced = one.resets_at_ns is not None and not budget.rolling_s and elapsed_ns > 0
    if paced and one.resets_at_ns is not None:
        forecast = used * (one.resets_at_ns - one.window_start_ns) // elapsed_ns
        if used and forecast > one.limit:
            empty_ns = max(now_ns, one.window_start_ns + elapsed_ns * one.limit // used)
    hidden = {"user"}
    of = ", ".join(f"{name} {value}" for name, value in one.values.items() if name not in hidden)
    return Burn(
        name=budget.name,
        of=of,
        measure=budget.measure,
        limit=one.limit,
        used=used,
        resets_at_ns=one.resets_at_ns,
        forecast=forecast,
        empty_ns=empty_ns,
    )


def of_team(budget: Budget, one: Standing, team: str) -> bool:
    """Whether a counter is one of a team, and of nobody in it."""
    named = budget.where.get("team", one.values.get("team", ""))
    return named == team and "user" not in one.values


def listed(changes: Sequence[Change]) -> list[Change]:
    """Return those that are shown: the dearest, and the others as one."""
    if len(changes) <= _LISTED_MAX:
        return list(changes)
    others = changes[_LISTED_MAX - 1 :]
    rest = Change(
        f"{len(others)} others",
        sum(one.cost for one in others),
        sum(one.before for one in others),
    )
    return [*changes[: _LISTED_MAX - 1], rest]


def usd(amount: int) -> str:
    """Write an amount as people read it."""
    sign = "-" if amount < 0 else ""
    return f"{sign}${display_usd(NanoUSD(abs(amount)))}"


def changed(one: Change) -> str:
    """Say how much more it is than in the week before."""
    if one.percent is None:
        return "new" if one.cost else "none"
    return f"{one.percent:+d} %"


def figure(measure: Measure, number: int) -> str:
    """Write what a budget counts."""
    return usd(number) if measure is Measure.USD else f"{number:,} {measure.value}"


def _changes(
    both: tuple[Sequence[Spent], Sequence[Spent]], name: Callable[[Spent], str]
) -> list[Change]:
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for index, rows in enumerate(both):
        for one in rows:
            sums[name(one)][index] += one.sums["cost"]
    found = [Change(key, cost, before) for key, (cost, before) in sums.items()]
    return sorted(found, key=lambda one: (-one.cost, -one.before, one.name))


def _sum(rows: Sequence[Spent], measure: str) -> int:
    return sum(one.sums[measure] for one in rows)
