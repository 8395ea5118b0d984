"""The store of keys. It sees keyed digests only, never a secret."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Engine, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from legato.core.clock import Clock
from legato.core.errors import InvalidRequest, NotFound, PreconditionFailed
from legato.core.ids import IdSource
from legato.core.principal import Maker, Principal
from legato.core.tenant import EVERY_TENANT, Area, Reach, reaches
from legato.core.tombstones import Grave
from legato.storage.audit.writing import recorded
from legato.storage.burying import bury
from legato.storage.database.engine import reading, writing
from legato.storage.database.tenancy import within
from legato.storage.database.versions import bump, version
from legato.storage.tables.schema import api_key, api_key_secret
from legato.storage.tenants.declared_keys import apply_declared
from legato.storage.tenants.key_records import (
    CHANGEABLE,
    DeclaredKey,
    KeyRecord,
    KeySnapshot,
    KeySpec,
    key_act,
    key_columns,
    key_record,
    maker,
    principal,
)
from legato.storage.tenants.places import ensure_place
from legato.storage.tenants.residency import KEYS_VERSION, regions_in, residing
from legato.storage.tenants.roles import KEY, forget_subject, grants_by_subject

_NS_PER_S: Final = 1_000_000_000


class KeyStore:
    """Keys within reach and the digests of their secrets.

    A key of another tenant is one that doesn't exist. Every method may raise StorageUnavailable.
    """

    def __init__(self, engine: Engine, clock: Clock, ids: IdSource, reach: Reach) -> None:
        self._engine = engine
        self._clock = clock
        self._ids = ids
        self._reach = reach

    def create(self, spec: KeySpec, digest: bytes, *, made_by: str = "") -> str:
        """Store a key, made by another one where that is named, and return its id.

        Raises:
            InvalidRequest: a key in force already has this name, or the secret is known.
            NotFound: its organisation is out of reach.
        """
        if not reaches(self._reach, Area(spec.org, spec.team, spec.feature)):
            raise NotFound(f"there is no organisation {spec.org}", param="org")
        key_id = self._ids.new()
        row = {
            **key_columns(spec),
            "id": key_id,
            "created_at_ns": self._clock.now_ns(),
            "revoked_by": "",
            "source": "api",
            "made_by": made_by,
        }
        try:
            with writing(self._engine) as connection:
                ensure_place(connection, spec, row["created_at_ns"], self._ids)
                connection.execute(insert(api_key), row)
                connection.execute(insert(api_key_secret), {"digest": digest, "key_id": key_id})
                bump(connection, KEYS_VERSION)
                recorded(connection, key_act("create", key_id, spec))
        except IntegrityError:
            message = f"a key named {spec.name} is in force already: pick another name or revoke it"
            raise InvalidRequest(message, param="name") from None
        return key_id

    def page(self, count: int, after_id: str = "") -> list[KeyRecord]:
        """Return up to `count` keys whose ids come after one, in the order of ids."""
        later = select(api_key).where(api_key.c.id > after_id, *within(self._reach, api_key))
        with reading(self._engine) as connection:
            rows = connection.execute(later.order_by(api_key.c.id).limit(count))
            return [key_record(row) for row in rows]

    def list(self) -> list[KeyRecord]:
        """Return all keys in the order they were made, revoked ones too."""
        with reading(self._engine) as connection:
            rows = connection.execute(
                select(api_key)
                .where(*within(self._reach, api_key))
                .order_by(api_key.c.created_at_ns, api_key.c.id)
            )
            return [key_record(row) for row in rows]

    def get(self, key_id: str) -> KeyRecord:
        """Return one key.

        Raises:
            NotFound: there is none with this id.
        """
        with reading(self._engine) as connection:
            return _get(connection, key_id, self._reach)

    def change(self, key_id: str, spec: KeySpec, version: int) -> KeyRecord:
        """Give a key that still has this version the models, tags, limits and end of `spec`.

        Who it belongs to and what it may do stay as they are.

        Raises:
            NotFound: there is none with this id.
            InvalidRequest: it is revoked, or declared in the configuration.
            PreconditionFailed: it was changed since.
        """
        columns = key_columns(spec)
        with writing(self._engine) as connection:
            record = _get(connection, key_id, self._reach, locked=True)
            _require_changeable(record, "change it in legato.yaml, under keys")
            if record.version != version:
                raise PreconditionFailed("this key was changed since you read it")
            values = {name: columns[name] for name in CHANGEABLE}
            connection.execute(update(api_key).where(api_key.c.id == key_id), values)
            bump(connection, KEYS_VERSION)
            changed = _get(connection, key_id, self._reach)
            recorded(connection, key_act("change", key_id, changed.spec))
            return changed

    def revoke(self, key_id: str) -> None:
        """End a key for good, and its roles; again is no error.

        Raises:
            NotFound: there is none with this id.
            Conflict: it is the last owner of an organisation.
        """
        with writing(self._engine) as connection:
            record = _get(connection, key_id, self._reach)
            if record.revoked_by == "operator":
                return
            forget_subject(connection, KEY, key_id)
            values: dict[str, Any] = {"revoked_by": "operator"}
            if record.revoked_at_ns is None:
                values["revoked_at_ns"] = self._clock.now_ns()
            connection.execute(update(api_key).where(api_key.c.id == key_id), values)
            bump(connection, KEYS_VERSION)
            bury(connection, Grave.KEY, record.spec.org, key_id)
            recorded(connection, key_act("revoke", key_id, record.spec))

    def rotate(self, key_id: str, new_digest: bytes, overlap_s: float) -> None:
        """Give a key a new secret; the old ones go on for `overlap_s`.

        Raises:
            NotFound: there is none with this id.
            InvalidRequest: it is revoked, declared in the configuration, or the secret is known.
        """
        until_ns = self._clock.now_ns() + int(overlap_s * _NS_PER_S)
        secret = api_key_secret.c
        still_longer = or_(secret.valid_until_ns.is_(None), secret.valid_until_ns > until_ns)
        try:
            with writing(self._engine) as connection:
                record = _get(connection, key_id, self._reach)
                _require_changeable(record, "change its secret in legato.yaml")
                ended = connection.execute(
                    update(api_key_secret)
                    .where(secret.key_id == key_id, still_longer)
                    .values(valid_until_ns=until_ns)
                    .returning(secret.digest)
                )
                for old in ended.scalars().all():
                    of = record.spec.org
                    bury(connection, Grave.SECRET, of, bytes(old).hex(), until_ns=until_ns)
                connection.execute(insert(api_key_secret), {"digest": new_digest, "key_id": key_id})
                bump(connection, KEYS_VERSION)
                recorded(connection, key_act("rotate", key_id, record.spec))
        except IntegrityError:
            raise InvalidRequest("this secret is in use already: make a new one") from None

    def upsert_declared(self, declared: Sequence[DeclaredKey]) -> None:
        """Make the declared keys those of the configuration, told apart by their name.

        They may be of any organisation: the configuration is the operator's. Ones that are no
        longer declared are revoked. A key an operator revoked stays so
        until the configuration gives it another secret.

        Raises:
            ConfigInvalid: a name or secret is taken by another key.
        """
        if self._reach != EVERY_TENANT:
            raise TypeError("the configuration declares keys for every tenant")
        with writing(self._engine) as connection:
            if apply_declared(connection, declared, self._clock.now_ns(), self._ids):
                bump(connection, KEYS_VERSION)

    def snapshot(self) -> KeySnapshot:
        """Return every secret in force with its principal."""
        now_ns = self._clock.now_ns()
        in_force = or_(
            api_key_secret.c.valid_until_ns.is_(None), api_key_secret.c.valid_until_ns > now_ns
        )
        rows = (
            select(api_key_secret.c.digest, api_key_secret.c.valid_until_ns, api_key)
            .join(api_key, api_key.c.id == api_key_secret.c.key_id)
            .where(api_key.c.revoked_at_ns.is_(None), in_force, *within(self._reach, api_key))
        )
        with reading(self._engine) as connection:
            # Read first: a change in between makes the rows newer than they claim, never older.
            number = version(connection, KEYS_VERSION)
            grants = grants_by_subject(connection, KEY)
            regions = regions_in(connection)
            found = connection.execute(rows).all()
            makers = _makers(connection, {row.made_by for row in found} - {""})
        by_digest = {
            bytes(row.digest): residing(
                principal(
                    key_record(row), row.valid_until_ns, grants.get(row.id, ()), _line(row, makers)
                ),
                regions,
            )
            for row in found
        }
        return KeySnapshot(number, by_digest)

    def residing(self, found: Principal) -> Principal:
        """Return a key's principal with where its tenant's calls may go."""
        with reading(self._engine) as connection:
            return residing(found, regions_in(connection))

    def makers_of(self, record: KeyRecord) -> tuple[Maker, ...]:
        """Return by which keys one was made, the nearest first, wherever they are."""
        with reading(self._engine) as connection:
            return _line(record, _makers(connection, {record.made_by} - {""}))

    def version(self) -> int:
        """Return a number that rises with every change: one row, cheap to poll."""
        with reading(self._engine) as connection:
            return version(connection, KEYS_VERSION)


def _makers(connection: Connection, wanted: set[str]) -> dict[str, KeyRecord]:
    """Return these keys, those that made them, and so on: revoked ones, too, limit and rule."""
    found: dict[str, KeyRecord] = {}
    while wanted:
        rows = connection.execute(select(api_key).where(api_key.c.id.in_(wanted))).all()
        found.update((row.id, key_record(row)) for row in rows)
        wanted = {row.made_by for row in rows} - {"", *found}
    return found


def _line(record: Any, makers: Mapping[str, KeyRecord]) -> tuple[Maker, ...]:
    line: list[Maker] = []
    made_by = record.made_by
    while made_by in makers:
        line.append(maker(makers[made_by]))
        made_by = makers[made_by].made_by
    return tuple(line)


def _get(connection: Connection, key_id: str, reach: Reach, *, locked: bool = False) -> KeyRecord:
    """Return a key; `locked`, nobody else changes it before the transaction's end."""
    wanted = select(api_key).where(api_key.c.id == key_id, *within(reach, api_key))
    if locked:  # on SQLite a writer is alone anyhow
        wanted = wanted.with_for_update()
    row = connection.execute(wanted).first()
    if row is None:
        raise NotFound(f"no key has the id {key_id}", param="id")
    return key_record(row)


def _require_changeable(record: KeyRecord, remedy: str) -> None:
    if record.source == "config":
        raise InvalidRequest(f"{record.spec.name} is declared: {remedy}")
    if record.revoked_at_ns is not None:
        raise InvalidRequest(f"{record.spec.name} is revoked: create a new key")
