"""Schedules at work: which times are due, what overlaps, what is made up for."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import islice, takewhile
from typing import Final

from legato.core.errors import InvalidRequest
from legato.flow.schedule import read_schedule
from legato.flow.trigger_settings import ScheduleSettings
from legato.workflows.triggers.cloud_events import Event
from legato.workflows.triggers.intake import Active, Intake, Taken

SOURCE: Final = "legato/schedule"
TYPE: Final = "legato.schedule"
BACKFILL_AT_ONCE: Final = 200
"""Times that one request makes up for: the rest is asked for by another."""
_BACKFILL_S: Final = 10.0
"""How long one request begins runs; at least one time is made up for."""
_PUNCTUAL_NS: Final = 60_000_000_000
"""A time that passed less than this ago isn't missed."""
_NS: Final = 1_000_000_000
Running = Callable[[Active], list[str]]
"""Returns the runs of a trigger that are still under way."""
Cancel = Callable[[str, str], None]
"""Ends a run, by organisation and id."""


class Schedules:
    """Fires schedules. Blocking; methods may raise StorageUnavailable."""

    def __init__(
        self, intake: Intake, running: Running, cancel: Cancel, now_ns: Callable[[], int]
    ) -> None:
        self._intake = intake
        self._running = running
        self._cancel = cancel
        self._now_ns = now_ns

    def fire(self, active: Active) -> list[Taken]:
        """Begin what is due since it last fired; whoever calls holds the trigger's claim.

        A schedule that is new begins with its next time. Killed in between, times that have begun
        their runs are duplicates when it is done again.
        """
        store, now_ns = self._intake.store_of(active.org), self._now_ns()
        since_ns = store.state(active.name).fired_ns
        if since_ns == 0:
            store.fired(active.name, now_ns)
            return []
        taken: list[Taken] = []
        for due_ns in self._due(active.settings, since_ns, now_ns):
            if active.settings.overlap == "queue" and self._running(active):
                return taken
            taken.append(self._begin(active, due_ns))
            store.fired(active.name, due_ns)
        return taken

    def next_ns(self, active: Active, count: int = 1) -> list[int]:
        """Return the next times."""
        schedule = read_schedule(active.settings.cron, active.settings.time_zone)
        return list(islice(schedule.after(self._now_ns()), count))

    def backfill(
        self, active: Active, since_ns: int, until_ns: int
    ) -> tuple[Sequence[Taken], int | None]:
        """Begin a run for each of the first times of a span; return from when it goes on, if so.

        Times that have begun one are duplicates. Each is a transaction of its own: cut off in
        between, the same span begins what is missing.

        Raises:
            InvalidRequest: the span reaches into the future.
        """
        if until_ns > self._now_ns():
            raise InvalidRequest("until: lies in the future", param="until")
        schedule = read_schedule(active.settings.cron, active.settings.time_zone)
        times = takewhile(lambda due_ns: due_ns < until_ns, schedule.after(since_ns - 1))
        taken: list[Taken] = []
        ends_ns = self._now_ns() + int(_BACKFILL_S * _NS)
        for due_ns in times:
            if len(taken) == BACKFILL_AT_ONCE or (taken and self._now_ns() >= ends_ns):
                return taken, due_ns
            taken.append(self._intake.take(active, event_at(active, due_ns)))
        return taken, None

    def _begin(self, active: Active, due_ns: int) -> Taken:
        event = event_at(active, due_ns)
        if active.settings.overlap in {"skip", "cancel_running"}:
            under_way = self._running(active)
            if under_way and active.settings.overlap == "skip":
                return self._intake.pass_over(active, event)
            for run_id in under_way:
                self._cancel(active.org, run_id)
        return self._intake.take(active, event)

    def _due(self, settings: ScheduleSettings, since_ns: int, now_ns: int) -> list[int]:
        schedule = read_schedule(settings.cron, settings.time_zone)
        due = list(takewhile(lambda due_ns: due_ns <= now_ns, schedule.after(since_ns)))
        missed = [one for one in due if one < now_ns - _PUNCTUAL_NS]
        punctual = due[len(missed) :]
        if settings.catch_up == "none":
            return punctual
        if settings.catch_up == "last":
            return punctual or missed[-1:]
        return (missed + punctual)[-settings.catch_up_max :]


def event_at(active: Active, due_ns: int) -> Event:
    """Return the event of a time: the same time is the same event, wherever it is made."""
    at = datetime.fromtimestamp(due_ns // _NS, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Event(
        id=f"{active.workflow}/{active.trigger.name}/{at}",
        source=SOURCE,
        type=TYPE,
        time=at,
        data={"at": at, "trigger": active.trigger.name},
    )
