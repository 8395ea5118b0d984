"""Watches what features spend, hour by hour, and keeps what is unusual with why it changed."""

from collections.abc import Callable, Iterable
from typing import Final, Protocol

import msgspec

from legato.core.tenant import Tenant
from legato.economics.anomalies.detection import (
    WEEK_HOURS,
    WEEKS_MAX,
    Finding,
    Hour,
    Model,
    Terms,
    judge,
    learn,
)
from legato.economics.anomalies.explaining import Usage, explain, moved_most
from legato.storage.anomalies.found import Anomaly
from legato.storage.anomalies.hours import Feature

HOUR_NS: Final = 3_600_000_000_000
_DAY_HOURS: Final = 24
_SETTLE_NS: Final = 300_000_000_000
"""An hour is judged when its last entries have come."""
_AGAIN_HOURS: Final = 6
"""So many hours are looked at again after a start."""


class Hours(Protocol):
    """What features spent; may raise StorageUnavailable."""

    def dearest(self, first: int, end: int, least: int) -> list[Feature]:
        """Return who spent at least so much in some hours."""
        ...

    def hours(self, whose: Feature, first: int, end: int) -> list[Hour]:
        """Return each hour."""
        ...

    def usage(self, whose: Feature, first: int, end: int) -> Usage:
        """Return what happened in some hours."""
        ...


class Store(Protocol):
    """An organisation's anomalies; may raise StorageUnavailable."""

    def keep(self, found: Anomaly) -> None:
        """Write one, or what has become of it."""
        ...

    def last_of(self, team: str, feature: str) -> Anomaly | None:
        """Return the newest of a feature."""
        ...


class SpendWatch:
    """Run by one thread of one process. Every method may raise StorageUnavailable."""

    def __init__(
        self,
        hours: Hours,
        stores: Callable[[Tenant], Store],
        terms: Terms,
        *,
        new_id: Callable[[], str],
        now_ns: Callable[[], int],
    ) -> None:
        self._hours = hours
        self._stores = stores
        self._terms = terms
        self._new_id = new_id
        self._now_ns = now_ns
        self._looked_to = 0

    def look(self) -> list[Anomaly]:
        """Judge the hours that have ended since the last look; return what is new or went on."""
        end = (self._now_ns() - _SETTLE_NS) // HOUR_NS
        first = max(self._looked_to, end - _AGAIN_HOURS)
        found = [one for hour in range(first, end) for one in self._judged(hour)]
        self._looked_to = end
        return found

    def _judged(self, hour: int) -> Iterable[Anomaly]:
        for whose in self._hours.dearest(hour - 1, hour + 1, self._terms.floor_nano):
            kept = self._judged_of(whose, hour)
            if kept is not None:
                yield kept

    def _judged_of(self, whose: Feature, hour: int) -> Anomaly | None:
        day = hour // _DAY_HOURS * _DAY_HOURS
        listed = self._hours.hours(whose, day - WEEKS_MAX * WEEK_HOURS, hour + 1)
        model = learn(listed[: len(listed) - (hour + 1 - day)])
        if model is None:
            return None
        finding = judge(model, hour - day, (listed[-2], listed[-1]), self._terms)
        if finding is None:
            return None
        store = self._stores(Tenant(whose.org))
        last = store.last_of(whose.team, whose.feature)
        if last is not None and last.last_hour >= hour:
            return None
        first = last.first_hour if last is not None and last.last_hour >= hour - 1 else hour - 1
        before = None if last is None or first != last.first_hour else last
        made = self._explained(whose, (first, hour), model, finding, before=before)
        store.keep(made)
        return made

    def _explained(
        self,
        whose: Feature,
        span: tuple[int, int],
        model: Model,
        finding: Finding,
        *,
        before: Anomaly | None,
    ) -> Anomaly:
        """Return it with what changed against the week that was nearest to the usual."""
        first, last = span
        day = last // _DAY_HOURS * _DAY_HOURS
        expected = round(sum(model.expected(hour - day) for hour in range(first, last + 1)))
        usage = self._hours.usage(whose, first, last + 1)
        back, then = min(
            (
                (weeks, self._hours.usage(whose, first - weeks, last + 1 - weeks))
                for weeks in range(WEEK_HOURS, (WEEKS_MAX + 1) * WEEK_HOURS, WEEK_HOURS)
            ),
            key=lambda found: (found[1].requests == 0, abs(found[1].cost - expected)),
        )
        made = Anomaly(
            id=self._new_id(),
            org=whose.org,
            team=whose.team,
            feature=whose.feature,
            first_hour=first,
            last_hour=last,
            found_at_ns=self._now_ns(),
            cost=usage.cost,
            expected=expected,
            z=finding.z,
            reference_hour=first - back,
            reference_cost=then.cost,
            parts=explain(then, usage),
            model=moved_most(then, usage),
        )
        if before is None:
            return made
        return msgspec.structs.replace(
            made, id=before.id, found_at_ns=before.found_at_ns, z=max(before.z, made.z)
        )
