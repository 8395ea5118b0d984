"""Brings the stored keys of the configuration in line with what it declares now."""

from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert, select, update

from legato.core.errors import ConfigInvalid
from legato.core.ids import IdSource
from legato.storage.audit.writing import recorded
from legato.storage.tables.schema import api_key, api_key_secret
from legato.storage.tenants.key_records import (
    DeclaredKey,
    KeyRecord,
    key_act,
    key_columns,
    key_record,
)
from legato.storage.tenants.places import ensure_place


def apply_declared(
    connection: Connection, declared: Sequence[DeclaredKey], now_ns: int, ids: IdSource
) -> bool:
    """Insert, update, revive and revoke; tell whether anything changed.

    Raises:
        ConfigInvalid: a name or secret is taken by another key.
    """
    stored = _stored(connection)
    changed = False
    for key in declared:
        ensure_place(connection, key.spec, now_ns, ids)
        record = stored.get(key.spec.name)
        if record is not None and record.revoked_by == "operator":
            if _owner(connection, key.digest) == record.id:
                continue
            record = None  # a new secret under the old name: a new key
        if record is None:
            _insert(connection, key, now_ns, ids)
            changed = True
        else:
            changed |= _update(connection, key, record)
    return _revoke_others(connection, {key.spec.name for key in declared}, now_ns) or changed


def _stored(connection: Connection) -> dict[str, KeyRecord]:
    """Return the latest declared key of each name."""
    wanted = select(api_key).where(api_key.c.source == "config").order_by(api_key.c.id)
    return {row.name: key_record(row) for row in connection.execute(wanted)}


def _insert(connection: Connection, key: DeclaredKey, now_ns: int, ids: IdSource) -> None:
    _refuse_taken_name(connection, key.spec.name)
    _refuse_taken_secret(connection, key, "")
    key_id = ids.new()
    row = {
        **key_columns(key.spec),
        "id": key_id,
        "created_at_ns": now_ns,
        "revoked_by": "",
        "source": "config",
    }
    connection.execute(insert(api_key), row)
    connection.execute(insert(api_key_secret), {"digest": key.digest, "key_id": key_id})
    recorded(connection, key_act("create", key_id, key.spec))


def _update(connection: Connection, key: DeclaredKey, record: KeyRecord) -> bool:
    held = connection.execute(
        select(api_key_secret.c.digest).where(api_key_secret.c.key_id == record.id)
    ).scalars()
    same_secret = {bytes(digest) for digest in held} == {key.digest}
    if same_secret and record.spec == key.spec and record.revoked_at_ns is None:
        return False
    if record.revoked_at_ns is not None:
        _refuse_taken_name(connection, key.spec.name)
    _refuse_taken_secret(connection, key, record.id)
    values = {**key_columns(key.spec), "revoked_at_ns": None, "revoked_by": ""}
    connection.execute(update(api_key).where(api_key.c.id == record.id), values)
    if not same_secret:
        connection.execute(delete(api_key_secret).where(api_key_secret.c.key_id == record.id))
        connection.execute(insert(api_key_secret), {"digest": key.digest, "key_id": record.id})
    recorded(connection, key_act("change", record.id, key.spec))
    return True


def _revoke_others(connection: Connection, names: set[str], now_ns: int) -> bool:
    gone = [
        record
        for name, record in _stored(connection).items()
        if name not in names and record.revoked_at_ns is None
    ]
    for record in gone:
        values = {"revoked_at_ns": now_ns, "revoked_by": "config"}
        connection.execute(update(api_key).where(api_key.c.id == record.id), values)
        recorded(connection, key_act("revoke", record.id, record.spec))
    return bool(gone)


def _owner(connection: Connection, digest: bytes) -> str | None:
    wanted = select(api_key_secret.c.key_id).where(api_key_secret.c.digest == digest)
    return connection.execute(wanted).scalar()


def _refuse_taken_name(connection: Connection, name: str) -> None:
    in_force = select(api_key.c.id).where(api_key.c.name == name, api_key.c.revoked_at_ns.is_(None))
    if connection.execute(in_force).first() is not None:
        raise ConfigInvalid(f"keys: {name}: another key in force has this name, revoke it first")


def _refuse_taken_secret(connection: Connection, key: DeclaredKey, own_id: str) -> None:
    if _owner(connection, key.digest) not in {None, own_id}:
        raise ConfigInvalid(f"keys: {key.spec.name}: its secret belongs to another key already")
