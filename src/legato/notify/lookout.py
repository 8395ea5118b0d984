"""Looks for what is to be told, and puts it into the outbox with the channels it goes by.

What it finds may be found again: the outbox takes each once, by what it is about.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from legato.core.config_notifications import Digest, NotificationRoute
from legato.core.notification import Notification
from legato.notify.digesting import Digests
from legato.notify.routing import channels_for
from legato.notify.telling import Words
from legato.notify.telling_services import of_burn, of_incident
from legato.storage.notifications.outbox import Addressed, Outbox
from legato.storage.notifications.services import ServiceTraces
from legato.storage.notifications.traces import OfBudget, Traces

_NS_PER_S: Final = 1_000_000_000
_DAY_NS: Final = 86_400 * _NS_PER_S
_BUDGET_EVENTS: Final = "budget events"
_OVERLAP_IDS: Final = 200
"""Ids of transactions that were still open when we read: they are read again."""
_OVERLAP_NS: Final = 600 * _NS_PER_S
_EXPIRY_NS: Final = 7 * _DAY_NS


class Lookout:
    """Run by one thread of the process that has the claim. May raise StorageUnavailable."""

    def __init__(
        self,
        traces: Traces,
        outbox: Outbox,
        words: Words,
        *,
        routes: Sequence[NotificationRoute],
        now_ns: Callable[[], int],
    ) -> None:
        self._traces = traces
        self._outbox = outbox
        self._words = words
        self._routes = routes
        self._now_ns = now_ns

    def look_at_budgets(self) -> list[Notification]:
        """Tell of what came of budgets since the last look; return what is new."""
        position = self._outbox.position(_BUDGET_EVENTS)
        if position is None:
            position = self._traces.newest_budget_event()
            self._outbox.add([], (_BUDGET_EVENTS, position))
        found = self._traces.budget_events(max(0, position - _OVERLAP_IDS))
        now_ns = self._now_ns()
        told = [said for one in found if self._is_new(one, position, now_ns)
                for said in self._words.of_budget(one)]  # fmt: skip
        read_to = max([position, *(one.id for one in found)])
        return self.tell(told, (_BUDGET_EVENTS, read_to) if read_to > position else None)

    def look_around(self) -> list[Notification]:
        """Tell of everything else that left a trace within a day; return what is new."""
        now_ns, words, traces = self._now_ns(), self._words, self._traces
        since_ns = now_ns - _DAY_NS
        copies = (words.of_copy(one, now_ns) for one in traces.copies())
        told = [
            *(words.of_rollback(one) for one in traces.rolled_back(since_ns)),
            *(words.of_drift(one) for one in traces.drifted(since_ns)),
            *(words.of_damage(one) for one in traces.damaged(since_ns)),
            *(one for one in copies if one is not None),
            *(words.of_expiry(one, now_ns) for one in traces.expiring(now_ns, _EXPIRY_NS)),
            *(words.of_anomaly(one) for one in traces.anomalies(since_ns)),
            *(words.of_erasure(one) for one in traces.cut_off(now_ns, since_ns)),
        ]
        return self.tell(told)

    def look_at_services(self, services: ServiceTraces, new_id: Callable[[], str]) -> None:
        """Tell of error budgets and incidents that changed within a day."""
        since_ns = self._now_ns() - _DAY_NS
        burns = [said for one in services.burning(since_ns) for said in of_burn(one, new_id)]
        incidents = services.incidents(since_ns)
        self.tell([*burns, *(said for one in incidents for said in of_incident(one, new_id))])

    def look_at_weeks(self, digests: Digests, said: Sequence[Digest]) -> list[Notification]:
        """Send the digests that are due; return those that are new."""
        return self.tell(digests.due(said, self._outbox)) if said else []

    def tell(
        self, told: Iterable[Notification], read_to: tuple[str, int] | None = None
    ) -> list[Notification]:
        """Put these into the outbox, but what is in it; return what is new."""
        listed = list(told)
        if not listed and read_to is None:
            return []
        addressed = [Addressed(one, channels_for(self._routes, one)) for one in listed]
        return self._outbox.add(addressed, read_to)

    @staticmethod
    def _is_new(one: OfBudget, position: int, now_ns: int) -> bool:
        """Whether it may not have been read; what is older than a day is no news."""
        age_ns = now_ns - one.event.at_ns
        return age_ns < (_OVERLAP_NS if one.id <= position else _DAY_NS)
