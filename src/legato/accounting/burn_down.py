"""How budgets burn down, and where they will stand at their windows' ends."""

from collections.abc import Callable
from typing import Final

import msgspec

from legato.core.budget import Budget, Measure, Period
from legato.core.clock import Clock
from legato.core.errors import InvalidRequest
from legato.economics.forecast import Outlook, outlook, runs_out
from legato.storage.limits.standing import Standing

_NS_PER_DAY: Final = 86_400_000_000_000
HISTORY_DAYS: Final = 84
_COUNTERS_MAX: Final = 50
_PERIODS: Final = frozenset({Period.DAY, Period.WEEK, Period.MONTH})
_MEASURES: Final = frozenset({Measure.USD, Measure.TOKENS})


class Counted(msgspec.Struct, frozen=True):
    """A counter of a budget, its days and its outlook. Nano-USD, or tokens.

    `burnt` are the days of the window up to today; `ends_at` is what is spent with what is
    expected; `runs_out_ns` is the day on which the limit is reached, by what is expected.
    """

    standing: Standing
    burnt: tuple[int, ...]
    outlook: Outlook
    ends_at: int
    low: int | None
    high: int | None
    runs_out_ns: int | None


class BurnDown:
    """Blocking; may raise StorageUnavailable."""

    def __init__(
        self,
        standings: Callable[[Budget], list[Standing]],
        charged: Callable[[Budget, str, tuple[int, int]], dict[int, int]],
        clock: Clock,
    ) -> None:
        self._standings = standings
        self._charged = charged
        self._clock = clock

    def forecast(self, budget: Budget) -> list[Counted]:
        """Return the counters most used, each with its forecast.

        Raises:
            InvalidRequest: the budget isn't of dollars or tokens by day, week or month.
        """
        if budget.measure not in _MEASURES or budget.period not in _PERIODS:
            msg = "budget: forecasts are of dollars or tokens by day, week or month"
            raise InvalidRequest(msg, param="budget")
        now_ns = self._clock.now_ns()
        found = self._standings(budget)[:_COUNTERS_MAX]
        return [self._counted(budget, one, now_ns) for one in found]

    def _counted(self, budget: Budget, standing: Standing, now_ns: int) -> Counted:
        today = now_ns // _NS_PER_DAY
        end_ns = standing.resets_at_ns or now_ns
        since = today - HISTORY_DAYS
        days = self._charged(
            budget, standing.limit_id, (since * _NS_PER_DAY, (today + 1) * _NS_PER_DAY)
        )
        first = min(days, default=today)  # before its first day nothing was counted
        history = [days.get(day, 0) for day in range(first, today)]
        left_ns = min((today + 1) * _NS_PER_DAY, end_ns) - now_ns
        ahead = max(0, (end_ns - 1) // _NS_PER_DAY - today)
        said = outlook(history, max(left_ns, 0) / _NS_PER_DAY, ahead)
        spent = standing.settled
        reached = runs_out(spent, standing.limit, said.per_day)
        began = standing.window_start_ns // _NS_PER_DAY
        return Counted(
            standing=standing,
            burnt=tuple(days.get(day, 0) for day in range(began, today + 1)),
            outlook=said,
            ends_at=spent + said.expected,
            low=None if said.low is None else spent + said.low,
            high=None if said.high is None else spent + said.high,
            runs_out_ns=None if reached is None else (today + reached) * _NS_PER_DAY,
        )
