"""Watches objectives: counts what traces bring, opens an alert where a budget burns, closes it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from legato.core.objective import Objective
from legato.economics.objectives.burning import (
    SPANS_MIN,
    WINDOWS,
    Counted,
    Minute,
    Windows,
    began,
    burn_rate,
    is_burning,
)
from legato.storage.objectives.alerts import BurnAlert

NS_PER_MIN: Final = 60_000_000_000
_PASSES_MAX: Final = 50
"""So many readings of traces before objectives are judged again."""


class Counts(Protocol):
    """Events of objectives; may raise StorageUnavailable."""

    def sums(self, one: Objective, minute: int, spans: Sequence[int]) -> list[Counted]:
        """Return the events of the last minutes, for each span."""
        ...

    def minutes(self, one: Objective, minute: int, span: int) -> list[Minute]:
        """Return each of the last minutes."""
        ...


class Alerts(Protocol):
    """May raise StorageUnavailable."""

    def open(self, found: BurnAlert) -> BurnAlert | None:
        """Keep one; None where one is open."""
        ...

    def close(self, alert_id: str, at_ns: int) -> None:
        """Say that one is over."""
        ...

    def open_ones(self) -> list[BurnAlert]:
        """Return those that are open."""
        ...


class Looked(NamedTuple):
    """What a look brought."""

    opened: list[tuple[BurnAlert, Objective]]
    closed: list[BurnAlert]


class ObjectiveWatch:
    """Run by one thread of one process. Every method may raise StorageUnavailable."""

    def __init__(
        self,
        take_in: Callable[[], int],
        in_force: Callable[[], list[Objective]],
        counts: Counts,
        alerts: Alerts,
        *,
        new_id: Callable[[], str],
        now_ns: Callable[[], int],
    ) -> None:
        """`take_in` counts the next traces in and says whether there were any."""
        self._take_in = take_in
        self._in_force = in_force
        self._counts = counts
        self._alerts = alerts
        self._new_id = new_id
        self._now_ns = now_ns

    def look(self) -> Looked:
        """Count what came, and judge each objective; return what began and what is over."""
        for _ in range(_PASSES_MAX):
            if not self._take_in():
                break
        listed = {(one.org, one.name): one for one in self._in_force()}
        open_ones = {(one.org, one.name, one.window): one for one in self._alerts.open_ones()}
        opened: list[tuple[BurnAlert, Objective]] = []
        closed = [one for key, one in open_ones.items() if _is_past(one, listed.get(key[:2]))]
        gone = {one.id for one in closed}
        minute = self._now_ns() // NS_PER_MIN
        for one in listed.values():
            sums = dict(zip(SPANS_MIN, self._counts.sums(one, minute, SPANS_MIN), strict=True))
            for windows in WINDOWS:
                known = open_ones.get((one.org, one.name, windows.name))
                known = None if known is None or known.id in gone else known
                burning = is_burning(windows, sums[windows.long_min], sums[windows.short_min], one)
                if known is None and burning:
                    opened += self._opened(one, windows, sums, minute)
                elif known is not None and not burning:
                    closed.append(known)
        for alert in closed:
            self._alerts.close(alert.id, self._now_ns())
        return Looked(opened, closed)

    def _opened(
        self, one: Objective, windows: Windows, sums: Mapping[int, Counted], minute: int
    ) -> list[tuple[BurnAlert, Objective]]:
        long = sums[windows.long_min]
        listed = self._counts.minutes(one, minute, windows.long_min)
        first = began(listed, one, windows.factor_tenths)
        now_ns = self._now_ns()
        made = self._alerts.open(
            BurnAlert(
                id=self._new_id(),
                org=one.org,
                name=one.name,
                version=one.version,
                window=windows.name,
                pages=windows.pages,
                began_at_ns=min(now_ns, (minute if first is None else first) * NS_PER_MIN),
                opened_at_ns=now_ns,
                burn_long=burn_rate(long, one),
                burn_short=burn_rate(sums[windows.short_min], one),
                total=long.total,
                bad=long.bad,
                team=one.team,
                feature=one.feature,
                route=one.route,
            )
        )
        return [] if made is None else [(made, one)]


def _is_past(alert: BurnAlert, in_force: Objective | None) -> bool:
    """Whether its objective is no more, or is another version now."""
    return in_force is None or in_force.version != alert.version
