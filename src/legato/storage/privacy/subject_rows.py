"""Rows about a subject, a kind at a time, in constant memory: what an export of theirs is made of.

As in `erasing`, what is meant are requests and a user by pseudonym; and who has an account, by its
id. Sealed columns come as they are stored.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Engine, Table, and_, or_, select, tuple_

from legato.audit.event import Event
from legato.core.budget import read_counter
from legato.core.tenant import Tenant
from legato.storage.audit.log import AuditFilter, AuditLog
from legato.storage.database.engine import reading
from legato.storage.erasing import Meant
from legato.storage.erasures import chunks
from legato.storage.ledger.entries import EntryReader
from legato.storage.tables.accounts import (
    account,
    account_invitation,
    account_session,
    account_token,
)
from legato.storage.tables.agents import agent_note
from legato.storage.tables.budgets import budget, budget_event, budget_set
from legato.storage.tables.captures import capture, capture_erasure
from legato.storage.tables.erasures import erased_request, erasure
from legato.storage.tables.evaluations import evaluation_answer
from legato.storage.tables.feedback import feedback
from legato.storage.tables.floors import route_comparison
from legato.storage.tables.guard_samples import guard_judgement, guard_sample
from legato.storage.tables.human_tasks import human_task, human_task_event, human_task_vote
from legato.storage.tables.kept_maps import kept_map, map_reading
from legato.storage.tables.live_scores import live_score
from legato.storage.tables.notifications import notification
from legato.storage.tables.objectives import incident
from legato.storage.tables.reviews import review_item, review_label
from legato.storage.tables.roles import role_binding
from legato.storage.tables.rollouts import arm_outcome, shadow_outcome
from legato.storage.tables.rollups import spend_user_day, user_last_day
from legato.storage.tables.schema import ledger_entry, limit_window, stored_response
from legato.storage.tables.semantic import semantic_entry
from legato.storage.tables.subject_exports import subject_export
from legato.storage.tables.tombstones import tombstone
from legato.storage.tables.twins import workflow_twin
from legato.storage.tables.workflows import workflow_message, workflow_run, workflow_step

_ROWS_PER_READ: Final = 500
_SECRETS: Final = frozenset({"digest", "password"})
"""Columns that let somebody in: they are about nobody."""
Row = dict[str, Any]
Condition = ColumnElement[bool]


class Place(NamedTuple):
    """A table, and which of its columns name a request, or a user."""

    table: Table
    of_requests: tuple[str, ...] = ()
    of_user: tuple[str, ...] = ()
    prefix: str = ""
    """What stands before a request's id there."""


PLACES: Final[dict[str, tuple[Place, ...]]] = {
    "ledger entries": (Place(ledger_entry, ("request_id",), ("end_user",)),),
    "daily sums": (
        Place(spend_user_day, (), ("end_user",)),
        Place(user_last_day, (), ("end_user",)),
    ),
    "captures": (Place(capture, ("request_id",), ("end_user",)),),
    "kept responses": (Place(stored_response, ("request_id",), ("end_user",)),),
    "feedback texts": (Place(feedback, ("request_id",), ("end_user",)),),
    "live score reasons": (Place(live_score, ("request_id",)),),
    "guard samples": (Place(guard_sample, ("request_id",), ("end_user",)),),
    "redaction maps": (
        Place(kept_map, ("request_id",), ("end_user",)),
        Place(map_reading, ("request_id",)),
    ),
    "notes of agents": (Place(agent_note, ("run_id",), ("end_user",)),),
    "states of twins": (Place(workflow_twin, (), ("whose",)),),
    "evaluation answers": (
        Place(evaluation_answer, ("origin_request", "case_id"), ("origin_user",)),
    ),
    "reviews": (
        Place(review_item, ("origin_request",), ("origin_user",)),
        Place(review_item, ("source",), prefix="request:"),
    ),
    "tasks": (Place(human_task, (), ("origin_user",)),),
    "words on incidents": (Place(incident, (), ("origin_user", "closing_user")),),
    "notifications of runs": (Place(notification, (), ("origin_user",)),),
    "semantic cache entries": (Place(semantic_entry, ("request_id",), ("end_user",)),),
    "figures of rollouts": (
        Place(arm_outcome, ("request_id",), ("unit",)),
        Place(shadow_outcome, ("live_request_id",)),
        Place(route_comparison, ("request_id",)),
    ),
    "erasures": (
        Place(erasure, ("request_id",), ("end_user",)),
        Place(capture_erasure, (), ("end_user",)),
        Place(erased_request, ("request_id",)),
        Place(tombstone, ("subject",), ("subject",)),
    ),
    "workflow runs": (
        Place(workflow_run, (), ("end_user",)),
        Place(workflow_step, (), ("end_user",)),
        Place(workflow_message, (), ("end_user",)),
    ),
    "reasons of exports": (Place(subject_export, ("request_id",), ("end_user",)),),
}


class SubjectRows:
    """One tenant's. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, tenant: Tenant) -> None:
        self._engine = engine
        self._tenant = tenant
        self._org = tenant.org

    def of_kind(self, kind: str, meant: Meant) -> Iterator[tuple[str, Row]]:
        """Yield the rows of one of `PLACES`, each with its table's name."""
        for place in PLACES[kind]:
            for named in _conditions(place, meant):
                conditions = [place.table.c.org == self._org, named]
                for row in self._pages(place.table, conditions):
                    yield place.table.name, row

    def judgements(self, sample_ids: Sequence[str]) -> list[Row]:
        """Return what people said of samples."""
        table = guard_judgement.c
        return self._all(guard_judgement, table.org, table.sample_id, sample_ids)

    def labels(self, item_ids: Sequence[str]) -> list[Row]:
        """Return what people said of items to review."""
        return self._all(review_label, review_label.c.org, review_label.c.item_id, item_ids)

    def task_votes(self, task_ids: Sequence[str]) -> list[Row]:
        """Return what people said of tasks."""
        return self._all(
            human_task_vote, human_task_vote.c.org, human_task_vote.c.task_id, task_ids
        )

    def task_events(self, task_ids: Sequence[str]) -> list[Row]:
        """Return what else was done with tasks."""
        table = human_task_event.c
        return self._all(human_task_event, table.org, table.task_id, task_ids)

    def accounts(self, meant: Meant) -> Iterator[tuple[str, Row]]:
        """Yield the accounts of a user and all that belongs to them; nothing that lets in."""
        ids = self.account_ids(meant)
        if not ids:
            return
        for table, column in (
            (account, account.c.id),
            (account_session, account_session.c.account_id),
            (account_token, account_token.c.account_id),
            (account_invitation, account_invitation.c.account_id),
        ):
            for row in self._all(table, table.c.org, column, ids):
                yield table.name, row
        held = (role_binding.c.subject_kind == "account") & role_binding.c.subject_id.in_(ids)
        for row in self._pages(role_binding, [held]):
            yield role_binding.name, row

    def account_ids(self, meant: Meant) -> list[str]:
        """Return the ids of a user's accounts."""
        if not meant.user:
            return []
        named = (account.c.org == self._org) & (account.c.pseudonym == meant.user)
        with reading(self._engine) as connection:
            return list(connection.execute(select(account.c.id).where(named)).scalars())

    def traces(self, meant: Meant) -> Iterator[Row]:
        """Yield the traces of requests."""
        for one in EntryReader(self._engine, self._tenant).traces():
            decided = one["decision"]  # of a request that was refused before it cost anything
            of_user = decided is not None and bool(meant.user) and decided.user == meant.user
            if of_user or one["request_id"] in meant.requests:
                yield one

    def limits(self, meant: Meant) -> Iterator[tuple[str, Row]]:
        """Yield the counters that count a user alone, what came of them, and whose budget it is."""
        if not meant.user:
            return
        mine: set[str] = set()
        for table in (limit_window, budget_event, budget_set):
            named = table.c.limit_id.contains(meant.user, autoescape=True)
            for row in self._pages(table, [named]):
                counter = read_counter(row["limit_id"])
                if row.get("org", self._org) != self._org or counter is None:
                    continue
                if meant.user in counter.values.values():
                    mine.add(counter.budget_id)
                    yield table.name, row
        covers = budget.c.covers.contains(meant.user, autoescape=True)
        for row in self._pages(budget, [budget.c.org == self._org, covers]):
            yield budget.name, row

    def events(self, meant: Meant) -> Iterator[Event]:
        """Yield the events of the audit log that name the subject: all of it is read."""
        named = {meant.user, *self.account_ids(meant), *meant.requests} - {""}
        for stored in AuditLog(self._engine, self._tenant).all(AuditFilter()):
            try:
                event = stored.event
            except ValueError:  # damaged: `legato audit verify` says so
                continue
            told = {event.actor.id, event.subject.id, event.request_id}
            told.update(one for one in event.details.values() if isinstance(one, str))
            if named & told:
                yield event

    def _all(
        self, table: Table, org: ColumnElement[str], column: ColumnElement[str], ids: Sequence[str]
    ) -> list[Row]:
        found: list[Row] = []
        for some in chunks(ids):
            found += self._pages(table, [org == self._org, column.in_(some)])
        return found

    def _pages(self, table: Table, conditions: Sequence[Condition]) -> Iterator[Row]:
        """Yield rows in the order of their primary key, each page a read of its own."""
        key = list(table.primary_key.columns)
        shown = [column for column in table.columns if column.name not in _SECRETS]
        hidden = [column for column in key if column.name in _SECRETS]
        last: tuple[Any, ...] | None = None
        while True:
            after = [] if last is None else [tuple_(*key) > tuple_(*last)]
            wanted = select(*shown, *hidden).where(*conditions, *after).order_by(*key)
            with reading(self._engine) as connection:
                rows = connection.execute(wanted.limit(_ROWS_PER_READ)).mappings().all()
            for row in rows:
                yield {str(column.name): row[column.name] for column in shown}
            if len(rows) < _ROWS_PER_READ:
                return
            last = tuple(rows[-1][column.name] for column in key)


def _conditions(place: Place, meant: Meant) -> Iterator[Condition]:
    """Yield what names some of it; together they name all of it, no row twice."""
    table, others = place.table, []
    if meant.user:
        yield from (table.c[name] == meant.user for name in place.of_user)
        others = [table.c[name] != meant.user for name in place.of_user]
    if place.of_requests:
        for some in chunks(place.prefix + one for one in meant.requests):
            yield and_(or_(*[table.c[name].in_(some) for name in place.of_requests]), *others)
