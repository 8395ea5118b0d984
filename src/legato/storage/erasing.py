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

from legato.core.registry import INSTANCE_ORG
from legato.core.tenant import Tenant
from legato.storage.database.engine import empty_log, overwrite_deleted, reading, writing
from legato.storage.erasures import chunks
from legato.storage.evaluation.feedback import SIGNALS
from legato.storage.identity.accounts import erase_account
from legato.storage.incidents.words import told_as
from legato.storage.notifications.outbox import digest_of
from legato.storage.tables.accounts import account
from legato.storage.tables.agents import agent_note
from legato.storage.tables.captures import capture
from legato.storage.tables.evaluations import evaluation_answer
from legato.storage.tables.feedback import feedback
from legato.storage.tables.guard_samples import guard_judgement, guard_sample
from legato.storage.tables.human_tasks import human_task, human_task_event, human_task_vote
from legato.storage.tables.kept_maps import kept_map, map_reading
from legato.storage.tables.live_scores import live_score
from legato.storage.tables.notifications import notification
from legato.storage.tables.objectives import incident
from legato.storage.tables.reviews import review_claim, review_item, review_label
from legato.storage.tables.schema import stored_response
from legato.storage.tables.subject_exports import subject_export
from legato.storage.tables.twins import workflow_twin
from legato.storage.tables.workflows import workflow_message, workflow_run, workflow_step

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

    def agent_notes(self, meant: Meant) -> int:
        """Delete what agents noted for a user."""
        found = self._conditions(agent_note, meant, ("run_id",), ("end_user",))
        return sum(self._deleted(agent_note, one) for one in found)

    def twins(self, meant: Meant) -> int:
        """Delete the states of twins whose key is a user's name."""
        found = self._conditions(workflow_twin, meant, (), ("whose",))
        return sum(self._deleted(workflow_twin, one) for one in found)

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

    def tasks(self, meant: Meant) -> int:
        """Blank what people were asked about a user's runs, and what they wrote of it."""
        table, total = human_task.c, 0
        for named in self._conditions(human_task, meant, (), ("origin_user",)):
            ids = select(table.id).where(table.org == self._org, named)
            for part in (human_task_vote, human_task_event):
                of_tasks = part.c.task_id.in_(ids) & (func.length(part.c.sealed) > 0)
                self._blanked(part, of_tasks)
            total += self._blanked(human_task, named & (func.length(table.sealed) > 0))
        return total

    def told(self, meant: Meant) -> int:
        """Blank what people were told of a user's runs."""
        written = func.length(notification.c.sealed) > 0
        found = self._conditions(notification, meant, (), ("origin_user",))
        return sum(self._blanked(notification, one & written) for one in found)

    def incidents(self, meant: Meant) -> int:
        """Blank what a person said of incidents, and what others were told of that."""
        if not meant.user:
            return 0
        table = incident.c
        said = or_(table.origin_user == meant.user, table.closing_user == meant.user)
        here = table.org.in_((self._org, INSTANCE_ORG))  # a pseudonym is of one organisation
        mine = [here, said, func.length(table.sealed) > 0]
        with self._writing() as connection:
            ids = connection.execute(select(table.id).where(*mine)).scalars().all()
            if not self._dry_run:
                for some in chunks(ids):
                    blank = update(incident).where(table.id.in_(some))
                    connection.execute(blank.values(sealed=b""))
                    once = [digest_of(about) for one in some for about in told_as(one)]
                    told = update(notification).where(notification.c.once.in_(once))
                    connection.execute(told.values(sealed=b"", title="", text="", html=""))
        return len(ids)

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

    def workflow_runs(self, meant: Meant) -> int:
        """Blank what a user's runs began with, did and came to; that there were any stays."""
        total = 0
        for named in self._conditions(workflow_run, meant, (), ("end_user",)):
            with self._writing() as connection:
                mine = [workflow_run.c.org == self._org, named]
                kept = func.length(workflow_run.c.sealed) > 0
                total += self._count(connection, workflow_run, [*mine, kept])
                if not self._dry_run:
                    blank = {"sealed": b"", "sealed_end": b""}
                    connection.execute(update(workflow_run).where(*mine).values(blank))
        for table in (workflow_step, workflow_message):
            for named in self._conditions(table, meant, (), ("end_user",)):
                self._blanked(table, named)
        return total

    def exports(self, meant: Meant) -> int:
        """Blank the reasons of exports about the subject; that there were any stays."""
        written = func.length(subject_export.c.sealed) > 0
        found = self._conditions(subject_export, meant, ("request_id",), ("end_user",))
        return sum(self._blanked(subject_export, one & written) for one in found)

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
        for some in chunks(meant.requests) if of_requests else ():
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
