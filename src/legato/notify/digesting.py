"""Digests as they come of what is stored: those that are due, and any that somebody asks for."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, Protocol

from legato.core.config_notifications import Digest
from legato.core.notification import Notification
from legato.notify.digest import Burn, Report, compose
from legato.notify.digest_pages import digest_of, once_of
from legato.notify.week import Week, last_week
from legato.storage.notifications.weeks import TeamWeeks

_LATE_NS: Final = 3 * 86_400_000_000_000
"""A digest that is later than this is not sent any more."""
Burns = Callable[[str, str, int], list[Burn]]
"""Returns how the budgets of a team stand, by organisation, team and time (ns)."""


class Told(Protocol):
    """What was told before; may raise StorageUnavailable."""

    def known(self, once: str) -> bool:
        """Whether something was."""
        ...


class Digests:
    """Makes them. Every method may raise StorageUnavailable."""

    def __init__(
        self,
        weeks: Callable[[str], TeamWeeks],
        burns: Burns,
        new_id: Callable[[], str],
        now_ns: Callable[[], int],
    ) -> None:
        """`weeks` gives an organisation's."""
        self._weeks = weeks
        self._burns = burns
        self._new_id = new_id
        self._now_ns = now_ns
        self._over: set[str] = set()

    def report(self, org: str, team: str, week: Week) -> Report:
        """Return one team's week."""
        weeks = self._weeks(org)
        return compose(
            (org, team),
            week,
            weeks.spent(week.start_ns, week.end_ns).get(team, []),
            weeks.spent(week.before_ns, week.start_ns).get(team, []),
            budgets=self._burns(org, team, self._now_ns()),
            triggers=weeks.triggers(week.start_ns, week.end_ns).get(team, {}),
        )

    def due(self, digests: Sequence[Digest], told: Told) -> Iterator[Notification]:
        """Yield the digests whose hour has come and that weren't sent; none of an empty week."""
        now_ns = self._now_ns()
        for digest in digests:
            week, due_ns = last_week(digest, now_ns)
            if now_ns - due_ns > _LATE_NS:
                continue
            for team in self.teams(digest, digests):
                once = once_of(digest.org, team, week.first.isoformat())
                if once in self._over:
                    continue
                report = None if told.known(once) else self.report(digest.org, team, week)
                if report is None or report.is_empty:
                    self._over.add(once)
                else:
                    yield digest_of(report, self._new_id(), now_ns, tuple(digest.channels))

    def teams(self, digest: Digest, digests: Sequence[Digest]) -> list[str]:
        """Return the teams that a digest is for."""
        if digest.team is not None:
            return [digest.team]
        own = {one.team for one in digests if one.org == digest.org}
        return [name for name in self._weeks(digest.org).teams() if name not in own]
