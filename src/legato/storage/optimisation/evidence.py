"""What a month left behind that a review asks for: by counts and names, never by content."""

from typing import Any, Final, NamedTuple

from sqlalchemy import Engine, Select, case, func, select

from legato.core.records import EntryKind
from legato.core.tenant import Tenant
from legato.storage.database.engine import reading
from legato.storage.database.tenancy import within
from legato.storage.tables.floors import route_comparison
from legato.storage.tables.guard_samples import guard_sample
from legato.storage.tables.kpis import guard_day
from legato.storage.tables.live_scores import live_score
from legato.storage.tables.registry import registry_label
from legato.storage.tables.reviews import review_item, review_label
from legato.storage.tables.schema import api_key, ledger_entry

_NS_PER_DAY: Final = 86_400_000_000_000


class Ruled(NamedTuple):
    """What one rule of a policy did."""

    policy: str
    rule: str
    action: str
    mode: str
    requests: int
    finds: int


class Judged(NamedTuple):
    """How people judged what a rule found."""

    policy: str
    rule: str
    judgement: str
    samples: int


class Scored(NamedTuple):
    """A score of an answer."""

    deployment: str
    value: float


class Lost(NamedTuple):
    """Attempts of a route that gave no answer to anybody, by what became of them."""

    route: str
    kind: str
    status: str
    attempts: int
    cost: int


class Beside(NamedTuple):
    """How a route's choices did beside its baseline: a worse answer is a loss."""

    route: str
    choice: str
    baseline: str
    compared: int
    worse: int
    better: int


class KeyInForce(NamedTuple):
    """A key that may be used."""

    id: str
    name: str
    team: str
    feature: str
    created_at_ns: int


class Evidence:
    """Of one organisation, of days from one to before another. May raise StorageUnavailable."""

    def __init__(self, engine: Engine, tenant: Tenant, first_day: int, end_day: int) -> None:
        self._engine = engine
        self._tenant = tenant
        self._days = (first_day, end_day)
        self._times = (first_day * _NS_PER_DAY, end_day * _NS_PER_DAY)

    def ruled(self) -> list[Ruled]:
        """Return what rules of guardrails did."""
        c = guard_day.c
        names = (c.policy, c.rule, c.action, c.mode)
        wanted = (
            select(*names, func.sum(c.requests), func.sum(c.finds))
            .where(
                *within(self._tenant, guard_day),
                c.bucket >= self._days[0],
                c.bucket < self._days[1],
            )
            .group_by(*names)
            .order_by(*names)
        )
        return [
            Ruled(policy, rule, action, mode, int(requests), int(finds))
            for policy, rule, action, mode, requests, finds in self._rows(wanted)
        ]

    def judged(self) -> list[Judged]:
        """Return how samples of what rules found were judged."""
        c = guard_sample.c
        names = (c.policy, c.rule, c.judgement)
        wanted = (
            select(*names, func.count())
            .where(*within(self._tenant, guard_sample), *self._during(c.at_ns), c.judgement != "")
            .group_by(*names)
            .order_by(*names)
        )
        return [Judged(*row) for row in self._rows(wanted)]

    def scores(self) -> list[Scored]:
        """Return the scores of live answers, by any scorer."""
        c = live_score.c
        wanted = select(c.deployment, c.value).where(
            *within(self._tenant, live_score), *self._during(c.at_ns), c.value.is_not(None)
        )
        return [Scored(row[0], float(row[1])) for row in self._rows(wanted)]

    def reviewed(self) -> tuple[int, int, int]:
        """Return how many answers people labelled, how many they skipped, and how many wait."""
        c, item = review_label.c, review_item.c
        done = select(func.count()).where(
            *within(self._tenant, review_label), *self._during(c.at_ns)
        )
        waiting = select(func.count()).where(
            *within(self._tenant, review_item), item.labels_given < item.labels_wanted
        )
        with reading(self._engine) as connection:
            labelled, skipped = (
                int(connection.execute(done.where(c.skipped.is_(is_skipped))).scalar_one())
                for is_skipped in (False, True)
            )
            return labelled, skipped, int(connection.execute(waiting).scalar_one())

    def judged_samples(self) -> int:
        """Return how many samples of guardrails people judged."""
        return sum(one.samples for one in self.judged())

    def lost(self) -> list[Lost]:
        """Return attempts that gave no answer, and our own: retries, hedges, judges, checks."""
        c = ledger_entry.c
        names = (c.route, c.kind, c.status)
        kinds = [one.value for one in (EntryKind.RETRY, EntryKind.HEDGE, EntryKind.JUDGE,
                                       EntryKind.SHADOW, EntryKind.OVERHEAD)]  # fmt: skip
        wanted = (
            select(*names, func.count(), func.coalesce(func.sum(c.cost), 0))
            .where(*within(self._tenant, ledger_entry), *self._during(c.at_ns), c.kind.in_(kinds))
            .group_by(*names)
            .order_by(*names)
        )
        return [
            Lost(route, kind, status, int(attempts), int(cost))
            for route, kind, status, attempts, cost in self._rows(wanted)
        ]

    def beside(self) -> list[Beside]:
        """Return how choices of routers did beside baselines."""
        c = route_comparison.c
        names = (c.route, c.choice, c.baseline)
        worse = func.sum(case((c.loss > 0, 1), else_=0))
        better = func.sum(case((c.loss < 0, 1), else_=0))
        wanted = (
            select(*names, func.count(), worse, better)
            .where(*within(self._tenant, route_comparison), *self._during(c.at_ns))
            .group_by(*names)
            .order_by(*names)
        )
        return [Beside(*row[:3], *map(int, row[3:])) for row in self._rows(wanted)]

    def keys(self, now_ns: int) -> list[KeyInForce]:
        """Return the keys in force."""
        c = api_key.c
        wanted = select(c.id, c.name, c.team, c.feature, c.created_at_ns).where(
            *within(self._tenant, api_key),
            c.revoked_at_ns.is_(None),
            c.expires_at_ns.is_(None) | (c.expires_at_ns > now_ns),
        )
        return [KeyInForce(*row) for row in self._rows(wanted.order_by(c.name))]

    def live_prompts(self) -> set[str]:
        """Return the names of prompts that have a label: those that can be asked for."""
        c = registry_label.c
        wanted = (
            select(c.name)
            .distinct()
            .where(*within(self._tenant, registry_label), c.kind == "prompt")
        )
        return {row[0] for row in self._rows(wanted)}

    def versions_used(self) -> set[str]:
        """Return what versions of the registry entries name, as `prompt/greeting@3fa9c1d2e4b5`."""
        c = ledger_entry.c
        wanted = (
            select(c.versions)
            .distinct()
            .where(*within(self._tenant, ledger_entry), *self._during(c.at_ns), c.versions != "")
        )
        return {one.strip() for (versions,) in self._rows(wanted) for one in versions.split(",")}

    def _during(self, column: Any) -> tuple[Any, ...]:
        return (column >= self._times[0], column < self._times[1])

    def _rows(self, wanted: Select[Any]) -> list[Any]:
        with reading(self._engine) as connection:
            return list(connection.execute(wanted).all())
