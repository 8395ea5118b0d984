"""What rules found and people judge: samples in bounds, and every judgement."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Connection, Engine, delete, func, insert, select, update

from legato.audit.event import Act, Subject
from legato.core.clock import Clock
from legato.core.errors import Conflict, NotFound
from legato.core.guard_samples import Judgement, Sample
from legato.core.ids import IdSource
from legato.core.origin import Origin
from legato.core.tenant import Tenant
from legato.storage.audit.writing import recorded
from legato.storage.database.dialect import upsert
from legato.storage.database.engine import reading, writing
from legato.storage.erasure_marks import locked_and_erased
from legato.storage.tables.guard_samples import guard_judgement, guard_sample

_ROWS_PER_WRITE: Final = 500
_HEAD: Final = Sample.__struct_fields__
_TABLE: Final = guard_sample.c


class SealedSample(msgspec.Struct, frozen=True):
    """A sample whose excerpt is sealed; b"" for none."""

    sample: Sample
    sealed: bytes


class StoredSample(msgspec.Struct, frozen=True):
    """A sample as it is kept."""

    sample: Sample
    judgement: Judgement
    sealed: bytes


class StoredJudgement(msgspec.Struct, frozen=True):
    """What somebody said of one."""

    at_ns: int
    actor: str
    judgement: Judgement
    sealed: bytes


class SampleFilter(msgspec.Struct, frozen=True):
    """Which; what is None does not narrow."""

    policy: str | None = None
    rule: str | None = None
    label: str | None = None
    judgement: Judgement | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return them for a WHERE over `guard_sample`."""
        wanted = msgspec.structs.asdict(self)
        return [_TABLE[name] == one for name, one in wanted.items() if one is not None]


class SampleCount(msgspec.Struct, frozen=True):
    """How many samples of a rule and label were judged in which way."""

    policy: str
    rule: str
    label: str
    judgement: Judgement
    count: int


class GuardSampleIntake:
    """Takes in what workers found, of every tenant. Methods may raise StorageUnavailable."""

    def __init__(self, engine: Engine, per_rule: int) -> None:
        """Keep up to `per_rule` open samples of each policy's rule and label."""
        self._engine = engine
        self._per_rule = per_rule

    def put(self, samples: Sequence[SealedSample]) -> None:
        """Keep them, those with the lowest points; nothing of what was erased."""
        by_org: dict[str, list[SealedSample]] = {}
        for one in samples:
            by_org.setdefault(one.sample.org, []).append(one)
        for org, some in sorted(by_org.items()):
            with writing(self._engine) as connection:
                erased = locked_and_erased(connection, org, map(_origin, some))
                kept = [one for one in some if _origin(one) not in erased]
                if kept:
                    rows = [_row(one) for one in kept]
                    connection.execute(
                        upsert(connection, guard_sample).on_conflict_do_nothing(), rows
                    )
                for group in sorted({_group(one.sample) for one in kept}):
                    self._bound(connection, org, group)

    def _bound(self, connection: Connection, org: str, group: tuple[str, str, str]) -> None:
        policy, rule, label = group
        opened = [
            _TABLE.org == org,
            _TABLE.policy == policy,
            _TABLE.rule == rule,
            _TABLE.label == label,
            _TABLE.judgement == Judgement.OPEN.value,
        ]
        lowest = select(_TABLE.id).where(*opened).order_by(_TABLE.point).offset(self._per_rule)
        more = list(connection.execute(lowest.limit(_ROWS_PER_WRITE)).scalars())
        if more:
            connection.execute(delete(guard_sample).where(_TABLE.org == org, _TABLE.id.in_(more)))


class GuardSampleStore:
    """One organisation's samples. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, clock: Clock, ids: IdSource, tenant: Tenant) -> None:
        self._engine = engine
        self._now_ns = clock.now_ns
        self._new_id = ids.new
        self._org = tenant.org

    def page(
        self, count: int, before_id: str | None = None, wanted: SampleFilter | None = None
    ) -> list[StoredSample]:
        """Return up to `count`, newest first, that are older than an id."""
        conditions = [_TABLE.org == self._org, *(wanted or SampleFilter()).conditions()]
        if before_id is not None:
            conditions.append(_TABLE.id < before_id)
        rows = select(guard_sample).where(*conditions).order_by(_TABLE.id.desc()).limit(count)
        with reading(self._engine) as connection:
            return [_stored(row) for row in connection.execute(rows).mappings()]

    def get(self, sample_id: str) -> tuple[StoredSample, list[StoredJudgement]]:
        """Return one and what was said of it, the oldest first. Raises NotFound."""
        columns = guard_judgement.c
        said = (
            select(guard_judgement)
            .where(columns.org == self._org, columns.sample_id == sample_id)
            .order_by(columns.id)
        )
        with reading(self._engine) as connection:
            found = self._get(connection, sample_id)
            rows = connection.execute(said).all()
        told = [
            StoredJudgement(row.at_ns, row.actor, Judgement(row.judgement), bytes(row.sealed))
            for row in rows
        ]
        return found, told

    def judge(
        self, sample_id: str, judgement: Judgement, actor: str, sealed_reason: bytes
    ) -> StoredSample:
        """Keep what somebody says of one; what was said before stays to be read.

        Raises:
            NotFound: there is none, or not any more.
            Conflict: it is judged in this way already.
        """
        with writing(self._engine) as connection:
            known = self._get(connection, sample_id)
            if known.judgement is judgement:
                raise Conflict(f"sample {sample_id} is {judgement.value} already")
            mine = (_TABLE.org == self._org) & (_TABLE.id == sample_id)
            connection.execute(update(guard_sample).where(mine).values(judgement=judgement.value))
            row = {
                "id": self._new_id(),
                "org": self._org,
                "sample_id": sample_id,
                "at_ns": self._now_ns(),
                "actor": actor,
                "judgement": judgement.value,
                "sealed": sealed_reason,
            }
            connection.execute(insert(guard_judgement), row)
            # the reason is sealed: it may quote what was found
            told = {"judgement": judgement.value, "by": actor}
            subject = Subject("guardrail sample", sample_id)
            recorded(connection, Act(self._org, "guardrail.judge", subject, details={**told}))
        return msgspec.structs.replace(known, judgement=judgement)

    def counts(self) -> list[SampleCount]:
        """Return how many there are, by policy, rule, label and judgement."""
        names = (_TABLE.policy, _TABLE.rule, _TABLE.label, _TABLE.judgement)
        counted = (
            select(*names, func.count().label("n"))
            .where(_TABLE.org == self._org)
            .group_by(*names)
            .order_by(*names)
        )
        with reading(self._engine) as connection:
            rows = connection.execute(counted).all()
        return [
            SampleCount(one.policy, one.rule, one.label, Judgement(one.judgement), one.n)
            for one in rows
        ]

    def judged(self, policy: str, rule: str) -> list[StoredSample]:
        """Return the samples of a rule that somebody has judged."""
        wanted = select(guard_sample).where(
            _TABLE.org == self._org,
            _TABLE.policy == policy,
            _TABLE.rule == rule,
            _TABLE.judgement != Judgement.OPEN.value,
        )
        with reading(self._engine) as connection:
            return [_stored(row) for row in connection.execute(wanted).mappings()]

    def _get(self, connection: Connection, sample_id: str) -> StoredSample:
        wanted = select(guard_sample).where(_TABLE.org == self._org, _TABLE.id == sample_id)
        row = connection.execute(wanted).mappings().first()
        if row is None:
            raise NotFound(f"There is no sample {sample_id!r}.", param="id")
        return _stored(row)


def prune_guard_samples(engine: Engine, now_ns: int) -> int:
    """Blank texts that have had their time, delete samples that have; return how many of these.

    Raises:
        StorageUnavailable: the database does not answer.
    """
    late = (_TABLE.text_until_ns > 0) & (_TABLE.text_until_ns < now_ns)
    with writing(engine) as connection:
        blank = {"sealed": b"", "text_until_ns": 0}
        connection.execute(update(guard_sample).where(late).values(blank))
    oldest = (
        select(_TABLE.id)
        .where(_TABLE.expires_at_ns < now_ns)
        .order_by(_TABLE.expires_at_ns)
        .limit(_ROWS_PER_WRITE)
    )
    total = 0
    while True:
        with writing(engine) as connection:
            ids = list(connection.execute(oldest).scalars())
            if ids:
                said = guard_judgement.c.sample_id.in_(ids)
                connection.execute(delete(guard_judgement).where(said))
                connection.execute(delete(guard_sample).where(_TABLE.id.in_(ids)))
        total += len(ids)
        if len(ids) < _ROWS_PER_WRITE:
            return total


def _origin(one: SealedSample) -> Origin:
    return Origin(one.sample.request_id, one.sample.end_user)


def _group(one: Sample) -> tuple[str, str, str]:
    return one.policy, one.rule, one.label


def _row(one: SealedSample) -> dict[str, Any]:
    head = msgspec.structs.asdict(one.sample)
    return {**head, "judgement": Judgement.OPEN.value, "sealed": one.sealed}


def _stored(row: Any) -> StoredSample:
    sample = Sample(**{name: row[name] for name in _HEAD})
    return StoredSample(sample, Judgement(row["judgement"]), bytes(row["sealed"]))
