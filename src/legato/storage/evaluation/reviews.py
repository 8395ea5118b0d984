"""Answers that people review: who has which before them, and what they said. Content is sealed."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    and_,
    delete,
    exists,
    func,
    select,
    tuple_,
    update,
)

from legato.audit.event import Act, Detail, Subject
from legato.core.errors import Conflict, NotFound
from legato.core.origin import Origin
from legato.core.tenant import Tenant
from legato.storage.audit.writing import recorded
from legato.storage.database.dialect import lock, upsert
from legato.storage.database.engine import reading, writing
from legato.storage.erasure_marks import locked_and_erased
from legato.storage.tables.reviews import review_claim, review_item, review_label

_ROWS_PER_WRITE: Final = 500
Row = dict[str, Any]


class NewItem(msgspec.Struct, frozen=True):
    """An item to be reviewed, its content sealed."""

    id: str
    judge: str
    source: str
    sealed: bytes
    labels_wanted: int
    origin_request: str = ""
    origin_user: str = ""


class Item(msgspec.Struct, frozen=True):
    """An item as it is kept."""

    id: str
    judge: str
    source: str
    sealed: bytes
    labels_wanted: int
    labels_given: int
    created_at_ns: int
    origin_request: str = ""
    origin_user: str = ""


class SealedLabel(msgspec.Struct, frozen=True):
    """What somebody said of an item: levels as JSON, texts sealed; skipped, where they didn't."""

    item_id: str
    reviewer: str
    skipped: bool
    levels: str
    sealed: bytes
    at_ns: int


_ITEM: Final = [review_item.c[name] for name in Item.__struct_fields__]
_LABEL: Final = [review_label.c[name] for name in SealedLabel.__struct_fields__]


class ReviewStore:
    """The reviews of one tenant. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, tenant: Tenant) -> None:
        self._engine = engine
        self._org = tenant.org

    def add(self, items: Sequence[NewItem], now_ns: int) -> None:
        """Keep items; one whose id is there already is left alone.

        Raises:
            Conflict: one is of a request that was erased.
        """
        rows = [
            {**msgspec.structs.asdict(one), "org": self._org, "labels_given": 0,
             "created_at_ns": now_ns}
            for one in items
        ]  # fmt: skip
        for first in range(0, len(rows), _ROWS_PER_WRITE):
            some = items[first : first + _ROWS_PER_WRITE]
            origins = {Origin(one.origin_request, one.origin_user) for one in some}
            with writing(self._engine) as connection:
                if gone := locked_and_erased(connection, self._org, origins):
                    told = next(iter(gone)).request_id
                    msg = f"request_id: what was asked and answered in {told} was erased"
                    raise Conflict(msg, param="request_id")
                kept = upsert(connection, review_item).on_conflict_do_nothing()
                connection.execute(kept, rows[first : first + _ROWS_PER_WRITE])
                for judge, of_judge in Counter(one.judge for one in some).items():
                    subject = Subject("judge", judge)
                    act = Act(self._org, "review.add", subject, details={"items": of_judge})
                    recorded(connection, act)

    def claim(self, judge: str, reviewer: str, now_ns: int, until_ns: int) -> Item | None:
        """Put the oldest open item before a reviewer until a time; None where there is none.

        It is one that they neither labelled nor skipped, and that those who have it before them
        don't fill up: first what they have before them already.
        """
        with writing(self._engine) as connection:
            lock(connection, [f"reviews of {self._org}"])
            mine = self._claimed(reviewer, now_ns)
            open_to = select(*_ITEM).where(*self._open_to(judge, reviewer, now_ns))
            found = (
                connection.execute(open_to.where(mine).order_by(review_item.c.id).limit(1)).first()
                or connection.execute(open_to.order_by(review_item.c.id).limit(1)).first()
            )
            if found is None:
                return None
            row = {
                "org": self._org,
                "item_id": found.id,
                "reviewer": reviewer,
                "until_ns": until_ns,
            }
            claimed = upsert(connection, review_claim).values(row)
            connection.execute(
                claimed.on_conflict_do_update(
                    index_elements=["org", "item_id", "reviewer"], set_={"until_ns": until_ns}
                )
            )
            subject, told = Subject("review item", found.id), {"by": reviewer}
            recorded(connection, Act(self._org, "review.claim", subject, details={**told}))
            return Item(*found)

    def label(self, label: SealedLabel) -> None:
        """Keep what somebody said, over what they said before; it ends their claim.

        Raises:
            NotFound: there is no such item.
            Conflict: others have said all that is wanted.
        """
        with writing(self._engine) as connection:
            lock(connection, [f"reviews of {self._org}"])
            item = self._item(connection, label.item_id)
            before = connection.execute(
                select(review_label.c.skipped).where(*self._of(review_label, label))
            ).first()
            counted = before is not None and not before.skipped
            if not (counted or label.skipped) and item.labels_given >= item.labels_wanted:
                raise Conflict("id: it has all the labels that are wanted; take the next one")
            row = {"org": self._org, **msgspec.structs.asdict(label)}
            kept = upsert(connection, review_label).values(row)
            said = {name: row[name] for name in ("skipped", "levels", "sealed", "at_ns")}
            connection.execute(
                kept.on_conflict_do_update(index_elements=["org", "item_id", "reviewer"], set_=said)
            )
            more = int(not label.skipped) - int(counted)
            connection.execute(
                update(review_item)
                .where(review_item.c.org == self._org, review_item.c.id == label.item_id)
                .values(labels_given=review_item.c.labels_given + more)
            )
            connection.execute(delete(review_claim).where(*self._of(review_claim, label)))
            subject, by = Subject("review item", label.item_id), label.reviewer
            told: dict[str, Detail] = {"by": by, "skipped": label.skipped}
            recorded(connection, Act(self._org, "review.label", subject, details=told))

    def get(self, item_id: str) -> Item:
        """Return an item. Raises NotFound."""
        with reading(self._engine) as connection:
            return self._item(connection, item_id)

    def page(
        self, count: int, after_id: str | None, judge: str | None, *, only_open: bool = False
    ) -> list[Item]:
        """Return up to `count` items, oldest first, behind the one of an id."""
        table = review_item.c
        conditions: list[ColumnElement[bool]] = [table.org == self._org]
        if judge is not None:
            conditions.append(table.judge == judge)
        if only_open:
            conditions.append(table.labels_given < table.labels_wanted)
        if after_id is not None:
            conditions.append(table.id > after_id)
        statement = select(*_ITEM).where(*conditions).order_by(table.id).limit(count)
        with reading(self._engine) as connection:
            return [Item(*row) for row in connection.execute(statement)]

    def sources(self, judge: str, beginning: str) -> frozenset[str]:
        """Return where a queue's items are from, of those that begin so."""
        table = review_item.c
        wanted = select(table.source).where(
            table.org == self._org,
            table.judge == judge,
            table.source.startswith(beginning, autoescape=True),
        )
        with reading(self._engine) as connection:
            return frozenset(connection.execute(wanted).scalars())

    def labels(self, item_ids: Sequence[str]) -> list[SealedLabel]:
        """Return what was said of items, by item and reviewer."""
        table = review_label.c
        statement = (
            select(*_LABEL)
            .where(table.org == self._org, table.item_id.in_(item_ids))
            .order_by(table.item_id, table.reviewer)
        )
        with reading(self._engine) as connection:
            return [SealedLabel(*row) for row in connection.execute(statement)]

    def _open_to(self, judge: str, reviewer: str, now_ns: int) -> list[ColumnElement[bool]]:
        item, claim, label = review_item.c, review_claim.c, review_label.c
        said = exists().where(
            label.org == item.org, label.item_id == item.id, label.reviewer == reviewer
        )
        others = (
            select(func.count())
            .select_from(review_claim)
            .where(
                claim.org == item.org,
                claim.item_id == item.id,
                claim.reviewer != reviewer,
                claim.until_ns > now_ns,
            )
            .scalar_subquery()
        )
        return [
            item.org == self._org,
            item.judge == judge,
            item.labels_given + others < item.labels_wanted,
            ~said,
        ]

    def _claimed(self, reviewer: str, now_ns: int) -> ColumnElement[bool]:
        item, claim = review_item.c, review_claim.c
        return exists().where(
            claim.org == item.org,
            claim.item_id == item.id,
            claim.reviewer == reviewer,
            claim.until_ns > now_ns,
        )

    def _item(self, connection: Connection, item_id: str) -> Item:
        table = review_item.c
        wanted = select(*_ITEM).where(table.org == self._org, table.id == item_id)
        found = connection.execute(wanted).first()
        if found is None:
            raise NotFound("there is no such item to review", param="id")
        return Item(*found)

    def _of(self, table: Any, label: SealedLabel) -> list[ColumnElement[bool]]:
        return [
            and_(
                table.c.org == self._org,
                table.c.item_id == label.item_id,
                table.c.reviewer == label.reviewer,
            )
        ]


def prune_reviews(engine: Engine, before_ns: int) -> int:
    """Delete items that were added before a time, with what was said of them; return how many.

    Of all organisations, in small transactions, since others' writes wait behind each.

    Raises:
        StorageUnavailable: the database does not answer.
    """
    item = review_item.c
    oldest = select(item.org, item.id).where(item.created_at_ns < before_ns).limit(_ROWS_PER_WRITE)
    total = 0
    while True:
        with writing(engine) as connection:
            gone = [(row.org, row.id) for row in connection.execute(oldest)]
            for table, name in ((review_claim, "item_id"), (review_label, "item_id"),
                                (review_item, "id")):  # fmt: skip
                named = tuple_(table.c.org, table.c[name])
                connection.execute(delete(table).where(named.in_(gone)))
        total += len(gone)
        if len(gone) < _ROWS_PER_WRITE:
            return total
