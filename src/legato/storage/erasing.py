"""Erases content by the requests and the user it comes from, a kind at a time.

Each goes in small transactions, since others' writes wait behind each, and can be done again. What
only counts (a score, a thumb, a cost) stays: what was read and written goes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Table,
    and_,
    delete,
    func,
    or_,
    select,
    update,
)

from legato.core.tenant import Tenant
from legato.storage.database.engine import empty_log, overwrite_deleted, reading, writing
from legato.storage.erasures import chunks
from legato.storage.evaluation.feedback import SIGNALS
from legato.storage.identity.accounts import erase_account
from legato.storage.tables.accounts import account
from legato.storage.tables.captures import capture
from legato.storage.tables.evaluations import evaluation_answer
from legato.storage.tables.feedback import feedback
from legato.storage.tables.guard_samples import guard_judgement, guard_sample
from legato.storage.tables.kept_maps import kept_map, map_reading
from legato.storage.tables.live_scores import live_score
from legato.storage.tables.reviews import review_claim, review_item, review_label
from legato.storage.tables.schema import stored_response

_TEXTS: Final = ("correction", "comment")
_FROM_REQUEST: Final = "request:"
"""How the source of an item to review names a request."""
Condition = ColumnElement[bool]


class Meant(msgspec.Struct, frozen=True):
    """What is to be erased: content of these requests, and of this user; "" for nobody."""

    requests: set[str]
    user: str = ""


class ContentEraser:
    """One tenant's. Every method may raise StorageUnavailable; a dry run only counts."""

    def __init__(self, engine: Engine, tenant: Tenant, *, dry_run: bool = False) -> None:
        self._engine = engine
        self._org = tenant.org
        self._dry_run = dry_run

    def captures(self, meant: Meant) -> int:
        """Delete captured requests."""
        found = self._conditions(capture, meant, ("request_id",), ("end_user",))
        return sum(self._deleted(capture, one) for one in found)

    def responses(self, meant: Meant) -> int:
        """Delete kept responses."""
        found = self._conditions(stored_response, meant, ("request_id",), ("end_user",))
        return sum(self._deleted(stored_response, one) for one in found)

    def feedback(self, meant: Meant) -> int:
        """Delete what was written, by the user and of their answers; thumbs and scores stay."""
        table = feedback.c
        written = or_(*[table[name].is_not(None) for name in _TEXTS])
        blank = dict.fromkeys(_TEXTS)
        empty = [table[name].is_(None) for name in SIGNALS]
        total = 0
        for named in self._conditions(feedback, meant, ("request_id",), ("end_user",)):
            with self._writing() as connection:
                mine = [table.org == self._org, named]
                total += self._count(connection, feedback, [*mine, written])
                if not self._dry_run:
                    connection.execute(update(feedback).where(*mine, written).values(blank))
                    connection.execute(delete(feedback).where(*mine, *empty))
        return total

    def live_scores(self, meant: Meant) -> int:
        """Blank the reasons of live scores."""
        written = func.length(live_score.c.sealed) > 0
        found = self._conditions(live_score, meant, ("request_id",), ())
        return sum(self._blanked(live_score, one & written) for one in found)

    def guard_samples(self, meant: Meant) -> int:
        """Blank the texts of samples and what people wrote of them; what was judged stays."""
        table, said, total = guard_sample.c, guard_judgement.c, 0
        for named in self._conditions(guard_sample, meant, ("request_id",), ("end_user",)):
            ids = select(table.id).where(table.org == self._org, named)
            written = (said.org == self._org) & said.sample_id.in_(ids)
            with self._writing() as connection:
                with_reason = func.length(said.sealed) > 0
                total += self._count(connection, guard_judgement, [written, with_reason])
                if not self._dry_run:
                    connection.execute(update(guard_judgement).where(written).values(sealed=b""))
            total += self._blanked(guard_sample, named & (func.length(table.sealed) > 0))
        return total

    def kept_maps(self, meant: Meant) -> int:
        """Delete kept redaction maps; who read them stays, without the reasons."""
        reasons = func.length(map_reading.c.sealed) > 0
        for named in self._conditions(map_reading, meant, ("request_id",), ()):
            self._blanked(map_reading, named & reasons)
        found = self._conditions(kept_map, meant, ("request_id",), ("end_user",))
        return sum(self._deleted(kept_map, one) for one in found)

    def answers(self, meant: Meant) -> int:
        """Blank answers of evaluations, with the reasons of their scores."""
        written = func.length(evaluation_answer.c.sealed) > 0
        names = ("origin_request", "case_id")
        found = self._conditions(evaluation_answer, meant, names, ("origin_user",))
        return sum(self._blanked(evaluation_answer, one & written) for one in found)

    def reviews(self, meant: Meant) -> int:
        """Delete items to review, with what was said of them."""
        table, total = review_item.c, 0
        ids: set[str] = set()
        sources = Meant({_FROM_REQUEST + one for one in meant.requests})
        with reading(self._engine) as connection:
            for named in (
                *self._conditions(review_item, meant, ("origin_request",), ("origin_user",)),
                *self._conditions(review_item, sources, ("source",), ()),
            ):
                wanted = select(table.id).where(table.org == self._org, named)
                ids.update(connection.execute(wanted).scalars())
        for some in chunks(ids):
            total += len(some)
            if self._dry_run:
                continue
            with self._writing() as connection:
                for place, name in ((review_claim, "item_id"), (review_label, "item_id"),
                                    (review_item, "id")):  # fmt: skip
                    named = (place.c.org == self._org) & place.c[name].in_(some)
                    connection.execute(delete(place).where(named))
        return total

    def accounts(self, meant: Meant) -> int:
        """Forget who has an account: it lets nobody in any more."""
        if not meant.user:
            return 0
        table = account.c
        named = (table.org == self._org) & (table.pseudonym == meant.user)
        with self._writing() as connection:
            ids = connection.execute(select(table.id).where(named)).scalars().all()
            for account_id in () if self._dry_run else ids:
                erase_account(connection, account_id)
        return len(ids)

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with writing(self._engine) as connection:
            overwrite_deleted(connection)
            yield connection

    def finish(self) -> None:
        """Take old pages out of the database's log, where that is a file of ours."""
        if not self._dry_run:
            empty_log(self._engine)

    def _conditions(
        self, table: Table, meant: Meant, of_requests: tuple[str, ...], of_user: tuple[str, ...]
    ) -> Iterator[Condition]:
        """Yield what names some of it; together they name all of it, no row twice."""
        others = []
        if meant.user:
            yield from (table.c[name] == meant.user for name in of_user)
            others = [table.c[name] != meant.user for name in of_user]
        for some in chunks(meant.requests):
            yield and_(or_(*[table.c[name].in_(some) for name in of_requests]), *others)

    def _deleted(self, table: Table, named: Condition) -> int:
        with self._writing() as connection:
            total = self._count(connection, table, [table.c.org == self._org, named])
            if not self._dry_run:
                connection.execute(delete(table).where(table.c.org == self._org, named))
        return total

    def _blanked(self, table: Table, named: Condition) -> int:
        with self._writing() as connection:
            mine = [table.c.org == self._org, named]
            total = self._count(connection, table, mine)
            if not self._dry_run:
                connection.execute(update(table).where(*mine).values(sealed=b""))
        return total

    def _count(self, connection: Connection, table: Table, conditions: list[Condition]) -> int:
        counted = select(func.count()).select_from(table).where(*conditions)
        return int(connection.execute(counted).scalar_one())
