"""Runs as people see them: started, listed, told something, cancelled, resumed."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Connection, Engine, func, select, update

from legato.audit.event import Act, Detail, Subject
from legato.core.errors import Conflict, NotFound
from legato.core.tenant import Reach
from legato.storage.audit.writing import recorded
from legato.storage.database.engine import reading, writing
from legato.storage.database.tenancy import within
from legato.storage.tables.workflows import (
    workflow_definition,
    workflow_message,
    workflow_run,
    workflow_step,
    workflow_wait,
)
from legato.storage.tasks.withdrawing import reopen_tasks
from legato.storage.workflows.moving import end, own
from legato.storage.workflows.rows import (
    CANCELLED,
    ENDED,
    FAILED,
    LETTER_OPEN,
    LETTER_REDRIVEN,
    OPEN,
    PAUSED,
    QUEUED,
    RUNNING,
    SKIPPED,
    STEP_FAILED,
    UNSETTLED,
    MessageRow,
    RunEnd,
    RunRow,
    StepRow,
    WaitRow,
    message_row,
    run_row,
    step_row,
    wait_row,
)
from legato.storage.workflows.work import add_runs, add_steps, keep_definition

_RUN: Final = workflow_run.c
_RUNS_PER_WRITE: Final = 200
Handlers = Callable[[RunRow], Mapping[str, frozenset[str]]]
"""Of a run, which nodes come behind each node's error port. Blocking; raises NotFound, Erased."""
_BY_AGE: Final = (_RUN.depth, _RUN.created_at_ns, _RUN.id)


class RunFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which runs; what is None does not narrow. Children are listed by their parent alone."""

    workflow: str | None = None
    status: str | None = None
    parent: str = ""
    letter: str | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return them for a WHERE over `workflow_run`."""
        found = [_RUN.parent == self.parent]
        if self.workflow is not None:
            found.append(_RUN.workflow == self.workflow)
        if self.status is not None:
            found.append(_RUN.status == self.status)
        if self.letter is not None:
            found.append(_RUN.letter == self.letter)
        return found


class WorkflowRuns:
    """The runs within reach. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, reach: Reach) -> None:
        self._engine = engine
        self._mine = within(reach, workflow_run)

    def get(self, run_id: str) -> RunRow:
        """Return one run. Raises NotFound."""
        with reading(self._engine) as connection:
            return self._get(connection, run_id)

    def some(self, run_ids: Sequence[str]) -> list[RunRow]:
        """Return runs by their ids, in that order. Raises NotFound: one isn't there."""
        found: dict[str, RunRow] = {}
        with reading(self._engine) as connection:
            for first in range(0, len(run_ids), _RUNS_PER_WRITE):
                ids = run_ids[first : first + _RUNS_PER_WRITE]
                wanted = select(workflow_run).where(*self._mine, _RUN.id.in_(ids))
                found |= {row.id: run_row(row) for row in connection.execute(wanted)}
        if missing := [one for one in run_ids if one not in found]:
            raise _absent(missing[0])
        return [found[one] for one in run_ids]

    def page(self, count: int, before_id: str | None, wanted: RunFilter) -> list[RunRow]:
        """Return runs, newest first, that are older than the one of an id."""
        statement = select(workflow_run).where(*self._mine, *wanted.conditions())
        if before_id is not None:
            statement = statement.where(_RUN.id < before_id)
        newest = statement.order_by(_RUN.id.desc()).limit(count)
        with reading(self._engine) as connection:
            return [run_row(row) for row in connection.execute(newest)]

    def page_ids(self, count: int, before_id: str | None, wanted: RunFilter) -> list[str]:
        """Return the ids of what `page` would."""
        statement = select(_RUN.id).where(*self._mine, *wanted.conditions())
        if before_id is not None:
            statement = statement.where(_RUN.id < before_id)
        newest = statement.order_by(_RUN.id.desc()).limit(count)
        with reading(self._engine) as connection:
            return list(connection.execute(newest).scalars())

    def tree(self, root: str, count: int) -> list[RunRow]:
        """Return a run's whole tree, those above first, at most so many."""
        wanted = select(workflow_run).where(*self._mine, _RUN.root == root)
        with reading(self._engine) as connection:
            return [
                run_row(row) for row in connection.execute(wanted.order_by(*_BY_AGE).limit(count))
            ]

    def open_of(self, workflow: str, origin: str) -> list[str]:
        """Return the runs of a workflow that something began and that haven't ended."""
        wanted = select(_RUN.id).where(
            *self._mine,
            _RUN.workflow == workflow,
            _RUN.origin == origin,
            _RUN.status.in_(OPEN),
            _RUN.parent == "",
        )
        with reading(self._engine) as connection:
            return list(connection.execute(wanted.order_by(_RUN.id)).scalars())

    def count(self, wanted: RunFilter) -> int:
        """Return how many there are."""
        counted = select(func.count()).where(*self._mine, *wanted.conditions())
        with reading(self._engine) as connection:
            return int(connection.execute(counted).scalar_one())

    def tally(self, workflows: Sequence[str]) -> dict[str, dict[str, int]]:
        """Return how many whole runs of each of some workflows are in each status."""
        counted = (
            select(_RUN.workflow, _RUN.status, func.count().label("runs"))
            .where(*self._mine, _RUN.parent == "", _RUN.workflow.in_(workflows))
            .group_by(_RUN.workflow, _RUN.status)
        )
        found: dict[str, dict[str, int]] = {}
        with reading(self._engine) as connection:
            for row in connection.execute(counted):
                found.setdefault(row.workflow, {})[row.status] = row.runs
        return found

    def steps(
        self, run: RunRow, after: int | None = None, until: int | None = None
    ) -> list[StepRow]:
        """Return what is recorded of a run that was read, in the order it began.

        With `after`, what was written behind this number, up to `until`, in the order it was.
        """
        table = workflow_step.c
        wanted = select(workflow_step).where(table.org == run.org, table.run_id == run.id)
        order = [table.started_at_ns, table.node, table.name]
        if after is not None:
            wanted = wanted.where(table.sequence > after)
            order.insert(0, table.sequence)
        if until is not None:
            wanted = wanted.where(table.sequence <= until)
        with reading(self._engine) as connection:
            return [step_row(row) for row in connection.execute(wanted.order_by(*order))]

    def children(self, run: RunRow) -> dict[str, str]:
        """Return the ids of the children of a run that was read, with their statuses."""
        wanted = select(_RUN.id, _RUN.status).where(_RUN.org == run.org, _RUN.parent == run.id)
        with reading(self._engine) as connection:
            return {row.id: row.status for row in connection.execute(wanted)}

    def waits(self, run: RunRow) -> list[WaitRow]:
        """Return what a run that was read waits for."""
        table = workflow_wait.c
        wanted = select(workflow_wait).where(table.org == run.org, table.run_id == run.id)
        with reading(self._engine) as connection:
            rows = connection.execute(wanted.order_by(table.created_at_ns, table.node))
            return [wait_row(row) for row in rows]

    def messages(self, run: RunRow) -> list[MessageRow]:
        """Return what has come for a run that was read, in order."""
        table = workflow_message.c
        wanted = select(workflow_message).where(table.org == run.org, table.run_id == run.id)
        with reading(self._engine) as connection:
            rows = connection.execute(wanted.order_by(table.number, table.id))
            return [message_row(row) for row in rows]

    def definition(self, run: RunRow) -> bytes:
        """Return the sealed content that a run that was read runs. Raises NotFound."""
        table = workflow_definition.c
        wanted = select(table.sealed).where(table.org == run.org, table.digest == run.digest)
        with reading(self._engine) as connection:
            found = connection.execute(wanted).scalar()
        if found is None:
            raise NotFound(f"The definition {run.digest[:12]} isn't kept any more.", param="id")
        return bytes(found)

    def cancel(self, run_id: str, at_ns: int) -> RunRow:
        """End a run, at once or as soon as who has it sees to it. Raises NotFound, Conflict."""
        with writing(self._engine) as connection:
            run = self._get(connection, run_id, lock=True)
            if run.status in {*ENDED} - {CANCELLED}:
                raise Conflict(f"id: a run that is {run.status} can't be cancelled")
            if run.status == RUNNING:
                values = {"cancelling": True, "news": _RUN.news + 1}
                connection.execute(update(workflow_run).where(*own(run.org, run.id)).values(values))
            elif run.status != CANCELLED:
                fenced = {"fence": _RUN.fence + 1, "activation": _RUN.activation + 1}
                connection.execute(update(workflow_run).where(*own(run.org, run.id)).values(fenced))
                ended = RunEnd(status=CANCELLED, sealed_end=b"", told=CANCELLED)
                end(connection, run.org, run.id, ended, at_ns=at_ns)
            if run.status != CANCELLED:
                _told(connection, run, "workflow.cancel")
            return self._get(connection, run_id)

    def resume(self, run_id: str, at_ns: int, handlers: Handlers) -> RunRow:
        """Let one that is paused, failed or cancelled go on. Raises NotFound, Conflict.

        What its nodes came to stays; those that were cut are done again, and those that failed and
        behind whose error port nothing has begun.
        """
        with writing(self._engine) as connection:
            run = self._get(connection, run_id, lock=True)
            if run.status not in {PAUSED, FAILED, CANCELLED}:
                raise Conflict(f"id: a run that is {run.status} can't be resumed")
            if run.parent and run.status != PAUSED:
                raise Conflict("id: this is part of a run: resume that one, its parent")
            _revive(connection, run, at_ns, handlers)
            _told(connection, run, "workflow.resume", details={"was": run.status})
            return self._get(connection, run_id)

    def pause_open(self, at_ns: int) -> int:
        """Pause every run that goes on: of a database that was restored. Return how many."""
        paused = (
            update(workflow_run)
            .where(*self._mine, _RUN.status.in_(set(OPEN) - {PAUSED}))
            .values(
                status=PAUSED,
                fence=_RUN.fence + 1,
                activation=_RUN.activation + 1,
                changed_at_ns=at_ns,
                executor="",
            )
        )
        with writing(self._engine) as connection:
            return connection.execute(paused).rowcount

    def settle_letters(self, run_ids: Sequence[str], letter: str) -> int:
        """Say what became of dead letters that are open; return how many were."""
        total = 0
        for first in range(0, len(run_ids), _RUNS_PER_WRITE):
            some = run_ids[first : first + _RUNS_PER_WRITE]
            settled = (
                update(workflow_run)
                .where(*self._mine, _RUN.id.in_(some), _RUN.letter == LETTER_OPEN)
                .values(letter=letter)
                .returning(_RUN.org)
            )
            with writing(self._engine) as connection:
                orgs = list(connection.execute(settled).scalars())
                for org in sorted(set(orgs)):
                    details: dict[str, Detail] = {"runs": orgs.count(org), "now": letter}
                    subject = Subject("workflow_run", some[0] if len(some) == 1 else "")
                    recorded(connection, Act(org, "workflow.letter", subject, details=details))
            total += len(orgs)
        return total

    def start(
        self,
        runs: Sequence[RunRow],
        definitions: Sequence[tuple[str, bytes]],
        *,
        redriven: bool,
        steps: Mapping[str, Sequence[StepRow]] = MappingProxyType({}),
    ) -> int:
        """Keep new runs and what they run; return how many were new.

        `steps` they begin with, by the id of the run. `redriven` ones repeat dead letters, which
        are settled in the same transaction, and only those that still are open.
        """
        total = 0
        for first in range(0, len(runs), _RUNS_PER_WRITE):
            some = runs[first : first + _RUNS_PER_WRITE]
            with writing(self._engine) as connection:
                for digest, sealed in definitions:
                    org, at_ns = some[0].org, some[0].created_at_ns
                    keep_definition(connection, org, digest, sealed=sealed, at_ns=at_ns)
                if redriven:
                    some = self._open_letters(connection, some)
                new = add_runs(connection, some)
                for one in new:
                    add_steps(connection, one, steps.get(one.id, ()))
                for one in new if len(new) <= 1 else ():
                    _told(connection, one, "workflow.run", details={"workflow": one.workflow})
                if len(new) > 1:
                    _told_of_many(connection, new)
            total += len(new)
        return total

    def _open_letters(self, connection: Connection, runs: Sequence[RunRow]) -> list[RunRow]:
        settled = (
            update(workflow_run)
            .where(
                *self._mine,
                _RUN.id.in_([one.origin_run for one in runs]),
                _RUN.letter == LETTER_OPEN,
            )
            .values(letter=LETTER_REDRIVEN)
            .returning(_RUN.id)
        )
        found = set(connection.execute(settled).scalars())
        return [one for one in runs if one.origin_run in found]

    def _get(self, connection: Connection, run_id: str, *, lock: bool = False) -> RunRow:
        wanted = select(workflow_run).where(*self._mine, _RUN.id == run_id)
        row = connection.execute(wanted.with_for_update() if lock else wanted).first()
        if row is None:
            raise _absent(run_id)
        return run_row(row)


def _absent(run_id: str) -> NotFound:
    return NotFound(f"There is no run {run_id[:64]!r}.", param="id")


def _revive(connection: Connection, run: RunRow, at_ns: int, handlers: Handlers) -> None:
    """Queue a run anew, with what is below it that was cut."""
    steps = workflow_step.c
    mine = (steps.org == run.org, steps.run_id == run.id, steps.name == "")
    states = {
        row.node: row.state
        for row in connection.execute(select(steps.node, steps.state).where(*mine))
    }
    nodes = _to_do_again(states, handlers(run) if STEP_FAILED in states.values() else {})
    for first in range(0, len(nodes), _RUNS_PER_WRITE):
        some = nodes[first : first + _RUNS_PER_WRITE]
        connection.execute(workflow_step.delete().where(*mine, steps.node.in_(some)))
    going = (
        update(workflow_run)
        .where(*own(run.org, run.id))
        .values(
            status=QUEUED,
            told="",
            failed_node="",
            letter=LETTER_REDRIVEN if run.letter else "",
            sealed_end=b"",
            cancelling=False,
            activation=_RUN.activation + 1,
            news=_RUN.news + 1,
            ended_at_ns=None,
            changed_at_ns=at_ns,
        )
    )
    connection.execute(going)
    reopen_tasks(connection, run.org, run.id)
    below = select(workflow_run).where(
        _RUN.org == run.org,
        _RUN.parent == run.id,
        _RUN.status.in_((PAUSED, FAILED, CANCELLED)),
    )
    for row in connection.execute(below).all():
        child = run_row(row)
        if child.status == PAUSED or child.parent_node in nodes:
            _revive(connection, child, at_ns, handlers)


def _to_do_again(states: Mapping[str, str], handlers: Mapping[str, frozenset[str]]) -> list[str]:
    """Return nodes that were cut, and those whose failure nothing has dealt with."""
    ran = {node for node, state in states.items() if state != SKIPPED}
    return [
        node
        for node, state in states.items()
        if state in UNSETTLED or (state == STEP_FAILED and not ran & handlers.get(node, set()))
    ]


def _told(connection: Connection, run: RunRow, action: str, **more: Any) -> None:
    subject = Subject("workflow_run", run.id)
    recorded(connection, Act(run.org, action, subject, **more))


def _told_of_many(connection: Connection, runs: Sequence[RunRow]) -> None:
    details: dict[str, Detail] = {
        "runs": len(runs),
        "first": runs[0].id,
        "workflow": runs[0].workflow,
        "origin": runs[0].origin,
    }
    subject = Subject("workflow_run", "")
    recorded(connection, Act(runs[0].org, "workflow.run", subject, details=details))
