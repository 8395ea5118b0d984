"""Reading one organisation's registry: objects, versions, labels, moves."""

from typing import Any, Final

from sqlalchemy import Connection, Engine, Row, func, select

from legato.core.errors import InvalidRequest, NotFound
from legato.core.registry import Kind, MoveState, ObjectName, Selector, Truth
from legato.core.tenant import Tenant
from legato.storage.database.engine import reading
from legato.storage.registry.records import (
    Details,
    EnvironmentRecord,
    LabelRecord,
    MoveRecord,
    ObjectRecord,
    Use,
    Verdict,
    VersionRecord,
)
from legato.storage.tables.registry import (
    registry_approval,
    registry_environment,
    registry_label,
    registry_move,
    registry_object,
    registry_reference,
    registry_version,
)

_TWO: Final = 2
_APPROVED: Final = "approved"


class RegistryReader:
    """What is kept of one organisation. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, tenant: Tenant) -> None:
        self._engine = engine
        self._org = tenant.org

    def objects(
        self, count: int | None = None, after: ObjectName | None = None
    ) -> list[ObjectRecord]:
        """Return all objects, or up to `count`, by kind and name, from the one after another."""
        table = registry_object.c
        wanted = _objects().where(table.org == self._org)
        if after is not None:
            later = (table.kind > after.kind) | (
                (table.kind == after.kind) & (table.name > after.name)
            )
            wanted = wanted.where(later)
        with reading(self._engine) as connection:
            rows = connection.execute(wanted.order_by(table.kind, table.name).limit(count))
            return [_object(row) for row in rows]

    def object(self, name: ObjectName) -> ObjectRecord:
        """Return one object. Raises NotFound."""
        table = registry_object.c
        wanted = _objects().where(
            table.org == self._org, table.kind == name.kind, table.name == name.name
        )
        with reading(self._engine) as connection:
            row = connection.execute(wanted).first()
        if row is None:
            raise NotFound(f"there is no {name.kind} named {name.name}", param="name")
        return _object(row)

    def versions(
        self, name: ObjectName, count: int | None = None, before: int | None = None
    ) -> list[VersionRecord]:
        """Return all versions, or up to `count`, newest first, with numbers below one."""
        wanted = select(registry_version).where(*_of(registry_version, self._org, name))
        if before is not None:
            wanted = wanted.where(registry_version.c.number < before)
        newest_first = wanted.order_by(registry_version.c.number.desc()).limit(count)
        with reading(self._engine) as connection:
            return [version_record(row) for row in connection.execute(newest_first)]

    def digests(self, name: ObjectName) -> frozenset[str]:
        """Return the digests of all versions."""
        wanted = select(registry_version.c.digest).where(*_of(registry_version, self._org, name))
        with reading(self._engine) as connection:
            return frozenset(connection.execute(wanted).scalars())

    def version(self, name: ObjectName, wanted: Selector, environment: str) -> VersionRecord:
        """Return the version that a label, number or digest names.

        Raises:
            NotFound: there is none, or no such object.
            InvalidRequest: these digits of a digest are those of more than one.
        """
        with reading(self._engine) as connection:
            found = self._selected(connection, name, wanted, environment)
        if not found:
            self.object(name)
            where = f" in {environment}" if wanted.label else ""
            raise NotFound(f"{name} has no version {wanted}{where}", param="name")
        if len(found) > 1:
            raise InvalidRequest(f"{name} has several versions {wanted}: give more of its digits")
        return version_record(found[0])

    def labels(self, environment: str, name: ObjectName | None = None) -> list[LabelRecord]:
        """Return where the labels of an environment point, all or those of an object."""
        table, version = registry_label.c, registry_version.c
        wanted = (
            select(registry_label, version.number)
            .join(registry_version, _same_version(registry_label))
            .where(table.org == self._org, table.environment == environment)
            .order_by(table.kind, table.name, table.label)
        )
        if name is not None:
            wanted = wanted.where(table.kind == name.kind, table.name == name.name)
        with reading(self._engine) as connection:
            rows = connection.execute(wanted).all()
        return [
            LabelRecord(_name(row), row.label, row.digest, row.number, row.moved_at_ns)
            for row in rows
        ]

    def moves(
        self,
        count: int | None = None,
        *,
        before_id: str | None = None,
        environment: str | None = None,
        name: ObjectName | None = None,
        label: str | None = None,
        state: MoveState | None = None,
    ) -> list[MoveRecord]:
        """Return all moves, or up to `count`, newest first."""
        table = registry_move.c
        wanted = select(registry_move).where(table.org == self._org)
        if before_id is not None:
            wanted = wanted.where(table.id < before_id)
        if environment is not None:
            wanted = wanted.where(table.environment == environment)
        if name is not None:
            wanted = wanted.where(table.kind == name.kind, table.name == name.name)
        if label is not None:
            wanted = wanted.where(table.label == label)
        if state is not None:
            wanted = wanted.where(table.state == state)
        with reading(self._engine) as connection:
            rows = connection.execute(wanted.order_by(table.id.desc()).limit(count))
            return [move_record(row) for row in rows]

    def move(self, move_id: str) -> tuple[MoveRecord, list[Verdict]]:
        """Return a move and what was said to it. Raises NotFound."""
        table, said = registry_move.c, registry_approval.c
        with reading(self._engine) as connection:
            row = connection.execute(
                select(registry_move).where(table.org == self._org, table.id == move_id)
            ).first()
            if row is None:
                raise NotFound("there is no move with this id", param="id")
            verdicts = connection.execute(
                select(registry_approval)
                .where(said.org == self._org, said.move_id == move_id)
                .order_by(said.at_ns)
            ).all()
        return move_record(row), [
            Verdict(one.approver, one.verdict == _APPROVED, one.reason, one.at_ns)
            for one in verdicts
        ]

    def environments(self) -> list[EnvironmentRecord]:
        """Return the environments that anything was ever said of."""
        table = registry_environment.c
        wanted = select(registry_environment).where(table.org == self._org)
        with reading(self._engine) as connection:
            rows = connection.execute(wanted.order_by(table.environment)).all()
        return [
            EnvironmentRecord(row.environment, Truth(row.truth), row.changed_by, row.changed_at_ns)
            for row in rows
        ]

    def uses(self, kind: str, name: str) -> list[Use]:
        """Return the versions that name something, newest first, with their labels."""
        version, reference, label = registry_version.c, registry_reference.c, registry_label.c
        wanted = (
            select(registry_version, label.environment, label.label)
            .join(registry_reference, _same_version(registry_reference))
            .outerjoin(registry_label, _same_version(registry_label))
            .where(reference.org == self._org, reference.to_kind == kind, reference.to_name == name)
            .order_by(version.kind, version.name, version.number.desc(), label.environment)
        )
        with reading(self._engine) as connection:
            rows = connection.execute(wanted).all()
        labels: dict[tuple[ObjectName, str, int], list[tuple[str, str]]] = {}
        for row in rows:
            found = labels.setdefault((_name(row), row.digest, row.number), [])
            if row.label is not None:
                found.append((row.environment, row.label))
        return [Use(*version_of, tuple(found)) for version_of, found in labels.items()]

    def _selected(
        self, connection: Connection, name: ObjectName, wanted: Selector, environment: str
    ) -> list[Row[Any]]:
        version, label = registry_version.c, registry_label.c
        rows = select(registry_version).where(*_of(registry_version, self._org, name)).limit(_TWO)
        if wanted.label:
            rows = rows.join(registry_label, _same_version(registry_label)).where(
                label.environment == environment, label.label == wanted.label
            )
        elif wanted.number:
            rows = rows.where(version.number == wanted.number)
        else:
            rows = rows.where(version.digest.startswith(wanted.digest_prefix))
        return list(connection.execute(rows))


def version_record(row: Row[Any]) -> VersionRecord:
    """Read a row of `registry_version`."""
    return VersionRecord(
        _name(row),
        row.digest,
        row.number,
        bytes(row.sealed),
        row.author,
        row.reason,
        row.created_at_ns,
    )


def move_record(row: Row[Any]) -> MoveRecord:
    """Read a row of `registry_move`."""
    return MoveRecord(
        row.id,
        row.environment,
        _name(row),
        row.label,
        row.from_digest,
        row.to_digest,
        row.author,
        row.reason,
        MoveState(row.state),
        row.approvals_wanted,
        row.asked_at_ns,
        row.ended_at_ns,
        row.rollout_digest,
    )


def _objects() -> Any:
    table, version = registry_object.c, registry_version.c
    newest = (
        select(func.coalesce(func.max(version.number), 0))
        .where(version.org == table.org, version.kind == table.kind, version.name == table.name)
        .scalar_subquery()
    )
    return select(registry_object, newest.label("newest"))


def _of(table: Any, org: str, name: ObjectName) -> list[Any]:
    return [table.c.org == org, table.c.kind == name.kind, table.c.name == name.name]


def _same_version(table: Any) -> Any:
    version = registry_version.c
    return (
        (table.c.org == version.org)
        & (table.c.kind == version.kind)
        & (table.c.name == version.name)
        & (table.c.digest == version.digest)
    )


def _name(row: Row[Any]) -> ObjectName:
    return ObjectName(Kind(row.kind), row.name)


def _object(row: Row[Any]) -> ObjectRecord:
    return ObjectRecord(
        _name(row),
        Details(row.owner, row.escalation, row.description),
        row.version,
        row.created_at_ns,
        row.newest,
    )
