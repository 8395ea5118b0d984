"""What checks of compliance came to: one row for findings that were alike, one after the other."""

from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Engine, delete, insert, select, update

from legato.audit.event import Act, Subject
from legato.core.compliance import Finding, Result, Status
from legato.storage.audit.writing import recorded
from legato.storage.database.dialect import lock
from legato.storage.database.engine import reading, writing
from legato.storage.tables.compliance import compliance_result

_TOLD_CHARACTERS: Final = 500
_rows = compliance_result.c


class ComplianceResults:
    """The instance's. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def record(self, check: str, node: str, finding: Finding, at_ns: int, *, gap_ns: int) -> bool:
        """Keep what a look came to; return whether its status is another than before.

        A change goes into the audit log. Where nobody looked for longer than `gap_ns`, a row of
        its own begins, so that the gap shows.
        """
        values = {
            "told": finding.told[:_TOLD_CHARACTERS],
            "evidence": msgspec.json.encode(finding.evidence, order="sorted").decode(),
            "last_ns": at_ns,
        }
        with writing(self._engine) as connection:
            lock(connection, [f"legato:compliance {check} {node}"])
            before = _newest(connection, check, node)
            alike = before is not None and before.status == finding.status
            if before is not None and alike and at_ns - before.last_ns <= gap_ns:
                connection.execute(
                    update(compliance_result)
                    .where(_rows.check_id == check, _rows.node == node)
                    .where(_rows.first_ns == before.first_ns)
                    .values(**values, times=before.times + 1)
                )
                return False
            row = {"check_id": check, "node": node, "status": finding.status.value}
            begun = {"first_ns": at_ns, "times": 1}
            connection.execute(insert(compliance_result), {**row, **values, **begun})
            if not alike:
                was = "" if before is None else before.status
                details = {"from": was, "to": finding.status.value, "node": node}
                recorded(
                    connection,
                    Act("", "compliance.change", Subject("check", check), details={**details}),
                )
            return not alike

    def newest(self, at_ns: int | None = None) -> list[Result]:
        """Return the newest row of each check on each machine, as it was at a time."""
        wanted = select(compliance_result)
        if at_ns is not None:
            wanted = wanted.where(_rows.first_ns < at_ns)
        with reading(self._engine) as connection:
            rows = [_result(row) for row in connection.execute(wanted.order_by(_rows.first_ns))]
        found = {(row.check, row.node): row for row in rows}
        return sorted(found.values(), key=lambda one: (one.check, one.node))

    def between(self, from_ns: int, to_ns: int, check: str = "") -> list[Result]:
        """Return the rows that touch a period, oldest first; of one check where it is named."""
        wanted = (
            select(compliance_result)
            .where(_rows.last_ns >= from_ns, _rows.first_ns < to_ns)
            .order_by(_rows.first_ns, _rows.check_id, _rows.node)
        )
        if check:
            wanted = wanted.where(_rows.check_id == check)
        with reading(self._engine) as connection:
            return [_result(row) for row in connection.execute(wanted)]

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def record_report(self, name: str, digest: str, details: dict[str, str]) -> int:
        """Put a report's digest into the audit log; return the event's index."""
        with writing(self._engine) as connection:
            subject = Subject("report", name, digest)
            return recorded(connection, Act("", "compliance.report", subject, details={**details}))


def prune_results(engine: Engine, before_ns: int) -> int:
    """Forget rows whose last look is older; return how many."""
    with writing(engine) as connection:
        gone = connection.execute(delete(compliance_result).where(_rows.last_ns < before_ns))
        return gone.rowcount


def _newest(connection: Connection, check: str, node: str) -> Any:
    wanted = (
        select(_rows.status, _rows.first_ns, _rows.last_ns, _rows.times)
        .where(_rows.check_id == check, _rows.node == node)
        .order_by(_rows.first_ns.desc())
        .limit(1)
    )
    return connection.execute(wanted).first()


def _result(row: Any) -> Result:
    return Result(
        check=row.check_id,
        node=row.node,
        status=Status(row.status),
        told=row.told,
        evidence=msgspec.json.decode(row.evidence),
        first_ns=row.first_ns,
        last_ns=row.last_ns,
        times=row.times,
    )
