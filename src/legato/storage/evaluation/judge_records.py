"""How far versions of judges agree with people: figures, measured once and kept."""

import msgspec
from sqlalchemy import Engine, insert, select

from legato.audit.event import Act, Detail, Subject
from legato.core.tenant import Tenant
from legato.storage.audit.writing import recorded
from legato.storage.database.engine import reading, writing
from legato.storage.tables.reviews import judge_record


class JudgeRecord(msgspec.Struct, frozen=True):
    """One measurement; `record` is JSON."""

    id: str
    judge: str
    digest: str
    author: str
    at_ns: int
    record: str


_COLUMNS = [judge_record.c[name] for name in JudgeRecord.__struct_fields__]


class JudgeRecords:
    """The measurements of one tenant. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, tenant: Tenant) -> None:
        self._engine = engine
        self._org = tenant.org

    def put(self, record: JudgeRecord) -> None:
        """Keep one."""
        with writing(self._engine) as connection:
            row = {"org": self._org, **msgspec.structs.asdict(record)}
            connection.execute(insert(judge_record), row)
            subject = Subject("judge", record.judge, record.digest)
            details: dict[str, Detail] = {"measurement": record.id, "by": record.author}
            recorded(connection, Act(self._org, "judge.measure", subject, details=details))

    def page(self, count: int, before_id: str | None, judge: str | None) -> list[JudgeRecord]:
        """Return up to `count`, newest first, that are older than the one of an id."""
        table = judge_record.c
        conditions = [table.org == self._org]
        if judge is not None:
            conditions.append(table.judge == judge)
        if before_id is not None:
            conditions.append(table.id < before_id)
        newest = select(*_COLUMNS).where(*conditions).order_by(table.id.desc()).limit(count)
        with reading(self._engine) as connection:
            return [JudgeRecord(*row) for row in connection.execute(newest)]

    def latest(self, judge: str, digest: str) -> JudgeRecord | None:
        """Return the newest of a version, None where it was never measured."""
        table = judge_record.c
        newest = (
            select(*_COLUMNS)
            .where(table.org == self._org, table.judge == judge, table.digest == digest)
            .order_by(table.id.desc())
            .limit(1)
        )
        with reading(self._engine) as connection:
            found = connection.execute(newest).first()
        return None if found is None else JudgeRecord(*found)
