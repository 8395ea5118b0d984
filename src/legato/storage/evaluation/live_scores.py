"""Scores of live answers by policy, what is watched of them, and the alarms it raised."""

from collections.abc import Callable
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Engine, delete, func, insert, select, update

from legato.audit.event import Act, Subject
from legato.core.errors import NotFound
from legato.core.origin import Origin
from legato.core.tenant import Reach, Tenant
from legato.storage.audit.writing import recorded
from legato.storage.database.dialect import lock, upsert
from legato.storage.database.engine import reading, writing
from legato.storage.database.tenancy import within
from legato.storage.erasure_marks import erased_among, marks_lock
from legato.storage.tables.live_scores import drift_alarm, live_policy, live_score, score_watch

_ROWS_PER_WRITE: Final = 2_000
Row = dict[str, Any]


def score_context(score_id: str) -> bytes:
    """Return what the sealed reason of a score is bound to."""
    return f"live score\x00{score_id}".encode()


class LiveScore(msgspec.Struct, frozen=True, kw_only=True):
    """A score of an answer; `value` is None where it couldn't be scored. Cost in nano-USD."""

    id: str
    policy: str
    scorer: str
    request_id: str
    versions: str
    deployment: str
    at_ns: int
    value: float | None
    sealed: bytes
    cost: int | None
    scored_at_ns: int


class Alarm(msgspec.Struct, frozen=True):
    """A drift that was proven; `evidence` is JSON."""

    id: str
    policy: str
    scorer: str
    versions: str
    at_ns: int
    evidence: str
    acknowledged_by: str = ""


class Watched(msgspec.Struct, frozen=True):
    """How the watch over one stream stands after a score; an alarm, where it raised one."""

    watch: str
    alarm: Alarm | None = None


class ScoreSum(msgspec.Struct, frozen=True):
    """A scorer's values of one version's answers."""

    policy: str
    scorer: str
    versions: str
    scored: int
    unscored: int
    mean: float | None


class LiveScores:
    """Those of one tenant. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, tenant: Tenant) -> None:
        self._engine = engine
        self._org = tenant.org

    def hold(
        self, policy: str, holder: str, now_ns: int, until_ns: int, *, start: int
    ) -> int | None:
        """Take a policy on until a time; return its cursor, None where another process has it.

        A policy that is taken on for the first time begins behind `start`.
        """
        with writing(self._engine) as connection:
            lock(connection, [f"live {self._org} {policy}"])
            table = live_policy.c
            mine = [table.org == self._org, table.policy == policy]
            found = connection.execute(select(live_policy).where(*mine)).first()
            if found is None:
                row = {"org": self._org, "policy": policy, "cursor": start}
                held = {"holder": holder, "until_ns": until_ns}
                connection.execute(insert(live_policy), row | held)
                return start
            if found.holder != holder and found.until_ns > now_ns:
                return None
            connection.execute(
                update(live_policy).where(*mine).values(holder=holder, until_ns=until_ns)
            )
            return int(found.cursor)

    def move_on(self, policy: str, holder: str, cursor: int) -> None:
        """Say up to where all is scored; nothing where another process has the policy."""
        table = live_policy.c
        mine = [table.org == self._org, table.policy == policy, table.holder == holder]
        with writing(self._engine) as connection:
            connection.execute(update(live_policy).where(*mine).values(cursor=cursor))

    def spent(self, policy: str, since_ns: int) -> int:
        """Return what a policy's scores cost since a time, in nano-USD."""
        table = live_score.c
        total = select(func.sum(table.cost)).where(
            table.org == self._org, table.policy == policy, table.scored_at_ns >= since_ns
        )
        with reading(self._engine) as connection:
            return int(connection.execute(total).scalar() or 0)

    def unpriced(self, policy: str, since_ns: int) -> bool:
        """Return whether a policy has made a score since a time whose cost isn't known."""
        table = live_score.c
        wanted = select(table.id).where(
            table.org == self._org,
            table.policy == policy,
            table.scored_at_ns >= since_ns,
            table.cost.is_(None),
        )
        with reading(self._engine) as connection:
            return connection.execute(wanted.limit(1)).first() is not None

    def streams(self, policy: str) -> list[tuple[str, str, str]]:
        """Return scorer, versions and watch of everything that a policy watches."""
        table = score_watch.c
        wanted = select(table.scorer, table.versions, table.watch).where(
            table.org == self._org, table.policy == policy
        )
        with reading(self._engine) as connection:
            return [(row[0], row[1], row[2]) for row in connection.execute(wanted)]

    def scored(self, policy: str, request_id: str) -> frozenset[str]:
        """Return which scorers have scored a request."""
        table = live_score.c
        wanted = select(table.scorer).where(
            table.org == self._org, table.policy == policy, table.request_id == request_id
        )
        with reading(self._engine) as connection:
            return frozenset(connection.execute(wanted).scalars())

    def put(
        self, score: LiveScore, watched: Callable[[str | None], Watched], *, user: str = ""
    ) -> Alarm | None:
        """Keep a score with what it does to the watch over its stream, in one transaction.

        `user` is the pseudonym of whose request it is; was that erased meanwhile, only the score's
        figures are kept.

        `watched` gets the watch as it stands, None for a new one. A score that is kept already
        changes nothing. Returns the alarm that it raised.
        """
        row = {"org": self._org, **msgspec.structs.asdict(score)}
        names = {name: row[name] for name in ("org", "policy", "scorer", "versions")}
        with writing(self._engine) as connection:
            lock(connection, [f"live {self._org} {score.policy}", marks_lock(self._org)])
            if erased_among(connection, self._org, [Origin(score.request_id, user)]):
                row["sealed"] = b""
            kept = (
                upsert(connection, live_score)
                .values(row)
                .on_conflict_do_nothing()
                .returning(live_score.c.id)
            )
            if connection.execute(kept).first() is None or score.value is None:
                return None
            stream = [score_watch.c[name] == value for name, value in names.items()]
            before = connection.execute(select(score_watch.c.watch).where(*stream)).scalar()
            after = watched(before)
            connection.execute(
                upsert(connection, score_watch)
                .values(names | {"watch": after.watch})
                .on_conflict_do_update(index_elements=list(names), set_={"watch": after.watch})
            )
            if after.alarm is not None:
                alarm = {"org": self._org, **msgspec.structs.asdict(after.alarm)}
                connection.execute(insert(drift_alarm), alarm)
            return after.alarm

    def acknowledge(self, alarm_id: str, by: str) -> Alarm:
        """Say that an alarm is dealt with: its stream is watched anew from here.

        Raises:
            NotFound: there is no such alarm.
        """
        table = drift_alarm.c
        mine = [table.org == self._org, table.id == alarm_id]
        with writing(self._engine) as connection:
            found = connection.execute(select(*_ALARM).where(*mine)).first()
            if found is None:
                raise NotFound("there is no such alarm", param="id")
            alarm = Alarm(*found)
            if not alarm.acknowledged_by:
                connection.execute(update(drift_alarm).where(*mine).values(acknowledged_by=by))
                subject = Subject("alarm", alarm_id)
                recorded(
                    connection, Act(self._org, "alarm.acknowledge", subject, details={"by": by})
                )
                connection.execute(
                    delete(score_watch).where(
                        score_watch.c.org == self._org,
                        score_watch.c.policy == alarm.policy,
                        score_watch.c.scorer == alarm.scorer,
                        score_watch.c.versions == alarm.versions,
                    )
                )
        return msgspec.structs.replace(alarm, acknowledged_by=alarm.acknowledged_by or by)


class LiveScoreReader:
    """Reads what is within reach. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, reach: Reach) -> None:
        self._engine = engine
        self._scores = within(reach, live_score)
        self._alarms = within(reach, drift_alarm)

    def sums(self, since_ns: int = 0) -> list[ScoreSum]:
        """Return one row for each policy, scorer and version."""
        table = live_score.c
        names = [table.policy, table.scorer, table.versions]
        summed = (
            select(*names, func.count(table.value), func.count(), func.avg(table.value))
            .where(*self._scores, table.at_ns >= since_ns)
            .group_by(*names)
            .order_by(*names)
        )
        with reading(self._engine) as connection:
            rows: list[tuple[Any, ...]] = [tuple(row) for row in connection.execute(summed)]
        return [
            ScoreSum(policy, scorer, versions, scored, count - scored, mean)
            for policy, scorer, versions, scored, count, mean in rows
        ]

    def values(self, since_ns: int, until_ns: int) -> list[tuple[str, str, float]]:
        """Return request, deployment and mean score of each answer to requests of a span."""
        table = live_score.c
        names = [table.request_id, table.deployment]
        summed = (
            select(*names, func.avg(table.value))
            .where(*self._scores, table.at_ns >= since_ns, table.at_ns < until_ns)
            .where(table.value.is_not(None))
            .group_by(*names)
            .order_by(*names)
        )
        with reading(self._engine) as connection:
            return [(row[0], row[1], float(row[2])) for row in connection.execute(summed)]

    def alarms(
        self, count: int, before_id: str | None = None, *, only_open: bool = False
    ) -> list[Alarm]:
        """Return up to `count` alarms, newest first, that are older than the one of an id."""
        table = drift_alarm.c
        conditions: list[ColumnElement[bool]] = [*self._alarms]
        if before_id is not None:
            conditions.append(table.id < before_id)
        if only_open:
            conditions.append(table.acknowledged_by == "")
        newest = select(*_ALARM).where(*conditions).order_by(table.id.desc()).limit(count)
        with reading(self._engine) as connection:
            return [Alarm(*row) for row in connection.execute(newest)]


def prune_live_scores(engine: Engine, before_ns: int) -> int:
    """Delete scores that were made before a time, of all organisations; return how many.

    Raises:
        StorageUnavailable: the database does not answer.
    """
    table = live_score.c
    oldest = select(table.id).where(table.scored_at_ns < before_ns).limit(_ROWS_PER_WRITE)
    total = 0
    while True:
        with writing(engine) as connection:
            gone = connection.execute(delete(live_score).where(table.id.in_(oldest))).rowcount
        total += gone
        if gone < _ROWS_PER_WRITE:
            return total


_ALARM: Final = [drift_alarm.c[name] for name in Alarm.__struct_fields__]
