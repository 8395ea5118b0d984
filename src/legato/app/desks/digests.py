"""Digests of one database."""

from datetime import date
from typing import Any

from legato.core.clock import Clock, SystemClock
from legato.core.config_notifications import Digest, Notifications
from legato.core.errors import NotFound
from legato.core.ids import IdSource
from legato.core.notification import Notification
from legato.core.tenant import Tenant
from legato.notify.digest import Burn, Report, burn, of_team
from legato.notify.digest_pages import digest_of
from legato.notify.digesting import Digests
from legato.notify.week import last_week, week_around
from legato.storage.database.engine import open_engine
from legato.storage.limits.budgets import BudgetStore
from legato.storage.limits.standing import standings
from legato.storage.notifications.weeks import TeamWeeks


def digests_at(database_url: str) -> Digests:
    """Return what makes digests of a database."""
    return digests_of(open_engine(database_url), SystemClock())


def digests_of(engine: Any, clock: Clock) -> Digests:
    """Return what makes digests; nothing is connected to yet."""
    ids = IdSource(clock)

    def burns(org: str, team: str, now_ns: int) -> list[Burn]:
        budgets = BudgetStore(engine, clock, ids, Tenant(org)).every()
        return [
            burn(record.budget, one, now_ns)
            for record in budgets
            for one in standings(engine, record.budget)
            if of_team(record.budget, one, team)
        ]

    return Digests(lambda org: TeamWeeks(engine, Tenant(org)), burns, ids.new, clock.now_ns)


def digest_for(said: Notifications, org: str, team: str) -> Digest | None:
    """Return what the configuration says of a team's digest: its own, else the organisation's."""
    own = [one for one in said.digests if one.org == org and one.team in (team, None)]
    return max(own, key=lambda one: one.team is not None, default=None)


def week_of(
    digests: Digests, said: Digest | None, whose: tuple[str, str], day: date | None
) -> tuple[Report, Notification]:
    """Return a team's week, the last or that of a day, and what is told of it. Raises NotFound."""
    org, team = whose
    clock = SystemClock()
    terms = said or Digest(channels=["none"], org=org, team=team)
    week = last_week(terms, clock.now_ns())[0] if day is None else week_around(terms, day)
    if team not in digests.teams(Digest(channels=["none"], org=org), []):
        raise NotFound(f"there is no team {team!r} in {org!r}", param="team")
    report = digests.report(org, team, week)
    channels = tuple(said.channels) if said is not None else ()
    return report, digest_of(report, IdSource(clock).new(), clock.now_ns(), channels)
