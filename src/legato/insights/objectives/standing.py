"""How an objective stands: what is left of its error budget, how fast it burns, how it was."""

from typing import Final, NamedTuple

from legato.core.objective import Objective
from legato.economics.objectives.burning import (
    SPANS_MIN,
    Counted,
    Minute,
    budget_left,
    burn_rate,
)
from legato.storage.objectives.alerts import BurnAlert, BurnAlerts
from legato.storage.objectives.counting import DAY_MIN, ObjectiveCounts

_NS_PER_MIN: Final = 60_000_000_000
_ALERTS_SHOWN: Final = 20


class Stands(NamedTuple):
    """An objective now. `counted` is of its period: whole days in UTC, today among them."""

    objective: Objective
    counted: Counted
    left: float
    """Of the error budget; below 0 where it is overspent."""
    burning: dict[str, float]
    """Burn rates, by windows in minutes."""
    days: list[Minute]
    alerts: list[BurnAlert]


class Standings:
    """Every method may raise StorageUnavailable."""

    def __init__(self, counts: ObjectiveCounts, alerts: BurnAlerts) -> None:
        self._counts = counts
        self._alerts = alerts

    def of(self, one: Objective, now_ns: int) -> Stands:
        """Return how one stands."""
        minute = now_ns // _NS_PER_MIN
        days = self._counts.days(one, minute // DAY_MIN, one.period_days)
        counted = Counted(
            sum(day.counted.total for day in days), sum(day.counted.bad for day in days)
        )
        sums = self._counts.sums(one, minute, SPANS_MIN)
        alerts = [
            alert for alert in self._alerts.of(one.name, _ALERTS_SHOWN) if alert.org == one.org
        ]
        return Stands(
            objective=one,
            counted=counted,
            left=budget_left(counted, one),
            burning={
                span_text(span): burn_rate(found, one)
                for span, found in zip(SPANS_MIN, sums, strict=True)
            },
            days=days,
            alerts=alerts,
        )


def span_text(minutes: int) -> str:
    """Write minutes as people do: `5m`, `6h`, `3d`."""
    for unit, size in (("d", DAY_MIN), ("h", 60)):
        if minutes % size == 0:
            return f"{minutes // size}{unit}"
    return f"{minutes}m"
