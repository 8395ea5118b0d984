"""Tombstones as the database has them, how their copies stand, and applying those of a list."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Engine, delete, func, or_, select, update

from legato.audit.event import Act, Detail, Subject
from legato.core.tombstones import FIRST, Grave, Tombstone
from legato.storage.audit.writing import recorded
from legato.storage.burying import keep
from legato.storage.database.dialect import upsert
from legato.storage.database.engine import reading, writing
from legato.storage.database.versions import bump
from legato.storage.erasures import chunks
from legato.storage.tables.accounts import (
    account,
    account_invitation,
    account_session,
    account_token,
)
from legato.storage.tables.roles import role_binding
from legato.storage.tables.schema import api_key, api_key_secret, organisation
from legato.storage.tables.tombstones import tombstone, tombstone_copy
from legato.storage.tenants.residency import KEYS_VERSION

_PENDING_MAX: Final = 1_000
_TOLD_CHARACTERS: Final = 500
_copy = tombstone_copy.c


class CopyState(msgspec.Struct, frozen=True):
    """How a copy stands."""

    name: str
    batches: int = 0
    head: bytes = FIRST
    last_id: int = 0
    at_ns: int = 0
    told: str = ""


class TombstoneStore:
    """The instance's. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, now_ns: Callable[[], int]) -> None:
        self._engine = engine
        self._now_ns = now_ns

    def state(self, name: str) -> CopyState:
        """Return how a copy stands; as new where it isn't known."""
        wanted = select(tombstone_copy).where(_copy.name == name)
        with reading(self._engine) as connection:
            row = connection.execute(wanted).first()
        if row is None:
            return CopyState(name)
        return CopyState(name, row.batches, bytes(row.head), row.last_id, row.at_ns, row.told)

    def keep_state(self, state: CopyState) -> None:
        """Keep how a copy stands."""
        row = {**msgspec.structs.asdict(state), "told": state.told[:_TOLD_CHARACTERS]}
        new = {**row, "holder": "", "held_until_ns": 0}
        with writing(self._engine) as connection:
            kept = upsert(connection, tombstone_copy).values(new)
            connection.execute(kept.on_conflict_do_update(index_elements=["name"], set_=row))

    def claim(self, name: str, holder: str, span_ns: int) -> bool:
        """Whether this process may write to a copy now: one at a time does, of all nodes."""
        now_ns = self._now_ns()
        new = {**msgspec.structs.asdict(CopyState(name)), "holder": holder}
        mine = {"holder": holder, "held_until_ns": now_ns + span_ns}
        free = or_(_copy.holder == holder, _copy.held_until_ns < now_ns)
        with writing(self._engine) as connection:
            kept = upsert(connection, tombstone_copy).values({**new, **mine})
            taken = kept.on_conflict_do_update(index_elements=["name"], set_=mine, where=free)
            return connection.execute(taken.returning(_copy.name)).first() is not None

    def pending(self, after_id: int) -> tuple[list[Tombstone], int]:
        """Return the next tombstones, organisations by their ids, and the id of the last one."""
        wanted = (
            select(tombstone, organisation.c.id.label("org_id"))
            .join(organisation, organisation.c.name == tombstone.c.org, isouter=True)
            .where(tombstone.c.id > after_id)
            .order_by(tombstone.c.id)
            .limit(_PENDING_MAX)
        )
        with reading(self._engine) as connection:
            rows = connection.execute(wanted).all()
        found = [
            Tombstone(
                kind=Grave(row.kind), subject=row.subject, at_ns=row.at_ns, org=row.org_id or "",
                until_ns=row.until_ns, lifted=bool(row.lifted),
            )
            for row in rows
        ]  # fmt: skip
        return found, rows[-1].id if rows else after_id

    def count(self, after_id: int = 0) -> int:
        """Return how many there are behind an id."""
        wanted = select(func.count()).where(tombstone.c.id > after_id)
        with reading(self._engine) as connection:
            return int(connection.execute(wanted).scalar_one())

    def named(self, tombstones: Iterable[Tombstone]) -> list[Tombstone]:
        """Return them with their organisations' names; without those that aren't here."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(organisation.c.id, organisation.c.name)).all()
        names = {"": "", **{row.id: row.name for row in rows}}
        return [
            msgspec.structs.replace(one, org=names[one.org])
            for one in tombstones
            if one.org in names
        ]

    def refuse(self, tombstones: Sequence[Tombstone], source: str) -> dict[str, int]:
        """Refuse what was revoked, and end all sessions; return how much it was, by kind.

        Organisations have their names. What was erased is left to the caller; that it will be is
        recorded here, in the transaction, together with the tombstones themselves.
        """
        by_kind: dict[Grave, list[Tombstone]] = {kind: [] for kind in Grave}
        for one in tombstones:
            by_kind[one.kind].append(one)
        with writing(self._engine) as connection:
            counts = _refused(connection, by_kind, self._now_ns())
            ended = connection.execute(delete(account_session))
            counts["sessions"] = ended.rowcount
            keep(connection, list(tombstones))
            bump(connection, KEYS_VERSION)
            for kind in (Grave.USER, Grave.REQUEST, Grave.DATA_KEY):
                counts[kind.value] = len(by_kind[kind])
            told: dict[str, Detail] = dict(counts)
            about = Subject("tombstones", source)
            recorded(connection, Act("", "tombstone.reapply", about, details=told))
        return counts


def _refused(
    connection: Connection, graves: dict[Grave, list[Tombstone]], now_ns: int
) -> dict[str, int]:
    key, token, role = api_key.c, account_token.c, role_binding.c
    in_force = ~account.c.state.in_(["disabled", "erased"])
    refusals: dict[Grave, Callable[[list[str]], Any]] = {
        Grave.KEY: lambda some: (
            update(api_key)
            .where(key.id.in_(some), key.revoked_by != "operator")
            .values(revoked_by="operator", revoked_at_ns=func.coalesce(key.revoked_at_ns, now_ns))
        ),
        Grave.TOKEN: lambda some: (
            update(account_token)
            .where(token.id.in_(some), token.revoked_at_ns.is_(None))
            .values(revoked_at_ns=now_ns)
        ),
        Grave.ACCOUNT: lambda some: (
            update(account).where(account.c.id.in_(some), in_force).values(state="disabled")
        ),
        Grave.PASSWORD: lambda some: (
            update(account)
            .where(account.c.id.in_(some), in_force, account.c.password != "")
            .values(password="", state="invited")
        ),
        Grave.BINDING: lambda some: delete(role_binding).where(role.id.in_(some)),
    }
    ids = {kind: [one.subject for one in found] for kind, found in graves.items()}
    counts = {
        kind.value: sum(connection.execute(refuse(some)).rowcount for some in chunks(ids[kind]))
        for kind, refuse in refusals.items()
    }
    for some in chunks(ids[Grave.KEY]):
        of_keys = (role.subject_kind == "key") & role.subject_id.in_(some)
        connection.execute(delete(role_binding).where(of_keys))
    for some in chunks([*ids[Grave.ACCOUNT], *ids[Grave.PASSWORD]]):
        of_accounts = account_invitation.c.account_id.in_(some)
        connection.execute(delete(account_invitation).where(of_accounts))
    counts[Grave.SECRET.value] = sum(_ended(connection, one) for one in graves[Grave.SECRET])
    return counts


def _ended(connection: Connection, one: Tombstone) -> int:
    """Let a secret end when it did; return 1 where it would have gone on."""
    secret = api_key_secret.c
    goes_on = or_(secret.valid_until_ns.is_(None), secret.valid_until_ns > one.until_ns)
    ended = (
        update(api_key_secret)
        .where(secret.digest == bytes.fromhex(one.subject), goes_on)
        .values(valid_until_ns=one.until_ns)
    )
    return connection.execute(ended).rowcount
