"""The outbox: what is to be told, by which channels, and how each delivery stands.

A notification is written once for what it is about, with its deliveries in one transaction. A
delivery is recorded as sent after it was sent, so a process that dies between sends it again,
under the same id.
"""

from collections.abc import Collection, Iterable, Sequence
from hashlib import blake2b
from typing import Any, Final, NamedTuple, Protocol

import msgspec
from sqlalchemy import Connection, Engine, Update, delete, insert, select, update

from legato.audit.event import Act, Detail, Subject
from legato.core.errors import NotFound
from legato.core.notification import SEALED_KINDS, Delivery, Notification, Severity, State
from legato.core.tenant import Reach
from legato.storage.audit.writing import recorded
from legato.storage.database.dialect import upsert
from legato.storage.database.engine import reading, writing
from legato.storage.database.tenancy import within
from legato.storage.tables.notifications import (
    notification,
    notification_delivery,
    notification_source,
)

_TOLD_CHARACTERS: Final = 500
_PRUNED_PER_WRITE: Final = 1_000
TEST: Final = "test"
_table: Final = notification.c
_delivery: Final = notification_delivery.c


GONE: Final = "Its content was erased, or the key it was sealed with destroyed."
HIDDEN: Final = "[sealed]"


class Sealing(Protocol):
    """Seals and opens what belongs to an organisation; blocking."""

    def seal(self, org: str, data: bytes, context: bytes) -> bytes:
        """Encrypt."""
        ...

    def open(self, org: str, sealed: bytes, context: bytes) -> bytes:
        """Decrypt. Raises ValueError."""
        ...


class Addressed(NamedTuple):
    """A notification and the channels it goes by."""

    notification: Notification
    channels: Sequence[str]


class Due(NamedTuple):
    """A delivery whose time has come, and how often it was tried."""

    notification: Notification
    channel: str
    attempts: int


class Kept(NamedTuple):
    """A notification as it is kept."""

    notification: Notification
    deliveries: list[Delivery]


class Outbox:
    """Notifications within reach. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, reach: Reach, sealing: Sealing | None = None) -> None:
        """Without `sealing` what workflows and people say can't be written, and reads as hidden."""
        self._engine = engine
        self._reach = reach
        self._sealing = sealing

    def add(
        self, found: Iterable[Addressed], read_to: tuple[str, int] | None = None
    ) -> list[Notification]:
        """Write those that weren't told before, and up to where a source was read.

        Returns those that are new.
        """
        with writing(self._engine) as connection:
            new = [one.notification for one in found if self._insert(connection, one)]
            for one in new:
                if one.kind == TEST:
                    subject = Subject("notification", one.id)
                    details: dict[str, Detail] = {"channels": " ".join(one.channels)}
                    recorded(connection, Act("", "notification.test", subject, details=details))
            if read_to is not None:
                name, position = read_to
                said = upsert(connection, notification_source).values(name=name, position=position)
                connection.execute(
                    said.on_conflict_do_update(index_elements=["name"], set_={"position": position})
                )
        return new

    def put(self, connection: Connection, said: Notification, channels: Sequence[str]) -> bool:
        """Write one within a transaction of others; False where it was told before."""
        return self._insert(connection, Addressed(said, channels))

    def known(self, once: str) -> bool:
        """Whether something was told already."""
        wanted = select(_table.id).where(_table.once == digest_of(once))
        with reading(self._engine) as connection:
            return connection.execute(wanted).first() is not None

    def position(self, source: str) -> int | None:
        """Return up to where a source was read, None for never."""
        table = notification_source.c
        wanted = select(table.position).where(table.name == source)
        with reading(self._engine) as connection:
            found = connection.execute(wanted).scalar()
        return None if found is None else int(found)

    def due(self, now_ns: int, count: int, without: Collection[str] = ()) -> list[Due]:
        """Return up to `count` deliveries whose time has come, by the order of their times."""
        wanted = (
            select(notification, _delivery.channel, _delivery.attempts)
            .join(notification_delivery, _table.id == _delivery.notification_id)
            .where(
                _delivery.state == State.WAITING.value,
                _delivery.next_ns <= now_ns,
                _delivery.channel.not_in(list(without)),
                *within(self._reach, notification),
            )
            .order_by(_delivery.next_ns, _table.id)
            .limit(count)
        )
        with reading(self._engine) as connection:
            rows = connection.execute(wanted).mappings()
            return [Due(self._read(row), row["channel"], row["attempts"]) for row in rows]

    def sent(self, notification_id: str, channel: str, now_ns: int) -> None:
        """Record that it was sent."""
        values = {"state": State.SENT.value, "sent_at_ns": now_ns, "told": ""}
        with writing(self._engine) as connection:
            tried = {"attempts": _delivery.attempts + 1}
            connection.execute(self._of(notification_id, channel).values(values | tried))

    def failed(self, notification_id: str, channel: str, told: str, next_ns: int | None) -> None:
        """Record why it wasn't, and when it is tried again: None for never."""
        state = State.DEAD if next_ns is None else State.WAITING
        values: dict[str, Any] = {
            "state": state.value,
            "attempts": _delivery.attempts + 1,
            "told": told[:_TOLD_CHARACTERS].replace("\x00", ""),
        }
        if next_ns is not None:
            values["next_ns"] = next_ns
        with writing(self._engine) as connection:
            connection.execute(self._of(notification_id, channel).values(values))

    def page(
        self, count: int, before_id: str = "", *, kind: str = "", state: str = ""
    ) -> list[Kept]:
        """Return up to `count`, newest first: those made before one, of a kind, in a state."""
        wanted = select(notification).where(*within(self._reach, notification))
        if before_id:
            wanted = wanted.where(_table.id < before_id)
        if kind:
            wanted = wanted.where(_table.kind == kind)
        if state:
            some = select(_delivery.notification_id).where(_delivery.state == state)
            wanted = wanted.where(_table.id.in_(some))
        with reading(self._engine) as connection:
            rows = connection.execute(wanted.order_by(_table.id.desc()).limit(count)).mappings()
            return _with_deliveries(connection, [self._read(row) for row in rows])

    def get(self, notification_id: str) -> Kept:
        """Return one. Raises NotFound."""
        with reading(self._engine) as connection:
            return self._get(connection, notification_id)

    def retry(self, notification_id: str, channel: str, now_ns: int) -> Kept:
        """Send again what is dead or waits, by one channel or, named "", by all.

        Raises:
            NotFound: there is no such notification, or it doesn't go by this channel.
        """
        with writing(self._engine) as connection:
            kept = self._get(connection, notification_id)
            named = [one.channel for one in kept.deliveries if channel in ("", one.channel)]
            if not named:
                raise NotFound(f"it doesn't go by the channel {channel!r}", param="channel")
            again = update(notification_delivery).where(
                _delivery.notification_id == notification_id,
                _delivery.channel.in_(named),
                _delivery.state != State.SENT.value,
            )
            connection.execute(again.values(state=State.WAITING.value, attempts=0, next_ns=now_ns))
            subject = Subject("notification", notification_id)
            details: dict[str, Detail] = {"channels": " ".join(named)}
            act = Act(kept.notification.org, "notification.retry", subject, details=details)
            recorded(connection, act)
            return self._get(connection, notification_id)

    def _of(self, notification_id: str, channel: str) -> Update:
        mine = select(_table.id).where(
            _table.id == notification_id, *within(self._reach, notification)
        )
        return update(notification_delivery).where(
            _delivery.notification_id.in_(mine), _delivery.channel == channel
        )

    def _get(self, connection: Connection, notification_id: str) -> Kept:
        wanted = select(notification).where(
            _table.id == notification_id, *within(self._reach, notification)
        )
        row = connection.execute(wanted).mappings().first()
        if row is None:
            raise NotFound(f"there is no notification {notification_id!r}")
        return _with_deliveries(connection, [self._read(row)])[0]

    def _insert(self, connection: Connection, one: Addressed) -> bool:
        said = one.notification
        if said.sealed or said.kind in SEALED_KINDS:
            return _insert(connection, said, one.channels, self._sealed(said))
        return _insert(connection, said, one.channels, _plain_row(said))

    def _sealed(self, said: Notification) -> dict[str, Any]:
        if self._sealing is None:
            msg = f"an outbox that seals nothing was given {said.kind}"
            raise ValueError(msg)
        words = msgspec.json.encode((said.title, said.text, said.html))
        sealed = self._sealing.seal(said.org, words, words_context(said.id))
        return _plain_row(said) | {"title": "", "text": "", "html": "", "sealed": sealed}

    def _read(self, row: Any) -> Notification:
        said = _notification(row)
        if row["sealed"] is None:
            return said
        if self._sealing is None:
            return msgspec.structs.replace(said, title=HIDDEN, text=HIDDEN)
        try:
            plain = self._sealing.open(said.org, bytes(row["sealed"]), words_context(said.id))
        except ValueError:
            return msgspec.structs.replace(said, title=GONE, text=GONE)
        title, text, html = msgspec.json.decode(plain, type=tuple[str, str, str])
        return msgspec.structs.replace(said, title=title, text=text, html=html)


def words_context(notification_id: str) -> bytes:
    """Return what the words of a notification are bound to."""
    return f"notification\x00{notification_id}".encode()


def prune_notifications(engine: Engine, before_ns: int) -> int:
    """Delete older ones, sent or not; return how many. Raises StorageUnavailable."""
    old = (select(_table.id).where(_table.at_ns < before_ns).order_by(_table.at_ns)).limit(
        _PRUNED_PER_WRITE
    )
    total = 0
    while True:
        with writing(engine) as connection:
            ids = list(connection.execute(old).scalars())
            gone = _delivery.notification_id.in_(ids)
            connection.execute(delete(notification_delivery).where(gone))
            connection.execute(delete(notification).where(_table.id.in_(ids)))
        total += len(ids)
        if len(ids) < _PRUNED_PER_WRITE:
            return total


def _insert(
    connection: Connection, said: Notification, channels: Sequence[str], row: dict[str, Any]
) -> bool:
    new = upsert(connection, notification).values(row).on_conflict_do_nothing()
    if connection.execute(new.returning(_table.id)).first() is None:
        return False
    rows = [
        {
            "notification_id": said.id,
            "channel": channel,
            "org": said.org,
            "state": State.WAITING.value,
            "attempts": 0,
            "next_ns": max(said.at_ns, said.after_ns),
            "sent_at_ns": None,
            "told": "",
        }
        for channel in dict.fromkeys(channels)
    ]
    if rows:
        connection.execute(insert(notification_delivery), rows)
    return True


def _with_deliveries(connection: Connection, found: list[Notification]) -> list[Kept]:
    by_id: dict[str, list[Delivery]] = {one.id: [] for one in found}
    wanted = select(notification_delivery).where(_delivery.notification_id.in_(list(by_id)))
    for row in connection.execute(wanted.order_by(_delivery.channel)).mappings():
        by_id[row["notification_id"]].append(
            Delivery(
                channel=row["channel"],
                state=State(row["state"]),
                attempts=row["attempts"],
                next_ns=row["next_ns"],
                sent_at_ns=row["sent_at_ns"],
                told=row["told"],
            )
        )
    return [Kept(one, by_id[one.id]) for one in found]


def _plain_row(said: Notification) -> dict[str, Any]:
    return {
        "id": said.id,
        "org": said.org,
        "team": said.team,
        "feature": said.feature,
        "kind": said.kind,
        "severity": said.severity.value,
        "title": said.title,
        "text": said.text,
        "html": said.html,
        "facts": msgspec.json.encode(said.facts).decode(),
        "at_ns": said.at_ns,
        "once": digest_of(said.once),
        "sealed": None,
        "origin_user": said.about_user,
    }


def _notification(row: Any) -> Notification:
    return Notification(
        id=row["id"],
        kind=row["kind"],
        severity=Severity(row["severity"]),
        title=row["title"],
        text=row["text"],
        html=row["html"],
        at_ns=row["at_ns"],
        once=row["once"],
        org=row["org"],
        team=row["team"],
        feature=row["feature"],
        facts=msgspec.json.decode(row["facts"]),
    )


def digest_of(once: str) -> str:
    """Return what stands for a text: it may name a user."""
    return blake2b(once.encode("utf-8", "surrogatepass"), digest_size=20).hexdigest()
