"""What people are asked, and what they said: one transaction for a decision and all it does.

A task is made once for each place of a run, a decision is made once, and what a run is told of it
is written in the same transaction: killed at any point, either all of it was done or nothing.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Select,
    and_,
    exists,
    func,
    or_,
    select,
    update,
)

from legato.audit.event import Act, Detail, Subject
from legato.core.clock import Clock
from legato.core.errors import Conflict, NotFound
from legato.core.ids import IdSource
from legato.core.tenant import Reach
from legato.flow.definition import Assignees
from legato.flow.rulings import EXPIRED, Asked, Person, outcome_of, require_may_decide
from legato.storage.audit.writing import recorded
from legato.storage.database.dialect import lock, upsert
from legato.storage.database.engine import reading, writing
from legato.storage.database.tenancy import within
from legato.storage.tables.human_tasks import (
    human_task,
    human_task_assignee,
    human_task_event,
    human_task_vote,
)
from legato.storage.tables.workflows import workflow_run
from legato.storage.tasks.records import (
    DECIDED,
    DELEGATE,
    ENDED_BY_TIME,
    OPEN,
    Ended,
    Named,
    NewTask,
    Task,
    TaskEvent,
    TaskVote,
    Wanted,
    assignees_of,
    named_of,
)

_TASK: Final = [human_task.c[name] for name in Task.__struct_fields__]
_VOTE: Final = [human_task_vote.c[name] for name in TaskVote.__struct_fields__]
_EVENT: Final = [human_task_event.c[name] for name in TaskEvent.__struct_fields__]
Tell = Callable[[Connection, Ended], None]
"""Tells a run, in the transaction that it is given."""


Also = Callable[[Connection], None]
"""What else is done within a transaction; what it raises undoes all of it."""


def nobody_waits(_connection: Connection, _ended: Ended) -> None:
    """Tell nobody: no run waits for it."""


class TaskStore:
    """The tasks within reach. Every method may raise StorageUnavailable."""

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        ids: IdSource,
        reach: Reach,
        *,
        tell: Tell = nobody_waits,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._new_id = ids.new
        self._reach = reach
        self._tell = tell

    def add(self, connection: Connection, task: NewTask) -> str:
        """Make a task and return its id: that of the one made before at this place of the run.

        In a transaction of others, so that it is there exactly where the step is recorded.
        """
        row = msgspec.structs.asdict(task) | {
            "state": OPEN,
            "port": "",
            "excluded": msgspec.json.encode(task.excluded).decode(),
            "not_by": msgspec.json.encode(task.not_by).decode(),
            "created_at_ns": self._clock.now_ns(),
            "ended_at_ns": None,
        }
        del row["assignees"]
        made = upsert(connection, human_task).values(row).on_conflict_do_nothing()
        if connection.execute(made.returning(human_task.c.id)).first() is None:
            mine = (human_task.c.org == task.org, human_task.c.run_id == task.run_id)
            there = select(human_task.c.id).where(*mine, human_task.c.path == task.path)
            return str(connection.execute(there).scalar_one())
        self._assign(connection, task, named_of(task.assignees))
        told: dict[str, Detail] = {"workflow": task.workflow, "run": task.run_id}
        self._record(connection, "task.ask", task, told)
        return task.id

    def get(self, task_id: str) -> Task:
        """Return a task. Raises NotFound."""
        with reading(self._engine) as connection:
            return self._get(connection, task_id)

    def of_run(self, run_id: str, path: str) -> Task | None:
        """Return the task made at a place of a run, None where none was."""
        mine = [human_task.c.run_id == run_id, human_task.c.path == path]
        wanted = select(*_TASK).where(*within(self._reach, human_task), *mine)
        with reading(self._engine) as connection:
            found = connection.execute(wanted).mappings().first()
        return None if found is None else Task(**found)

    def asked(self, task: Task) -> Asked:
        """Return who is asked by now, and who may not answer."""
        with reading(self._engine) as connection:
            return self._asked(connection, task)

    def asked_within(self, connection: Connection, task_id: str) -> Asked:
        """Return the same, within the transaction that makes or changes it. Raises NotFound."""
        return self._asked(connection, self._get(connection, task_id))

    def votes(self, task: Task) -> list[TaskVote]:
        """Return what was said of a task, oldest first."""
        with reading(self._engine) as connection:
            return self._votes(connection, task)

    def events(self, task: Task) -> list[TaskEvent]:
        """Return what else was done with it, oldest first."""
        table = human_task_event.c
        mine = select(*_EVENT).where(table.org == task.org, table.task_id == task.id)
        with reading(self._engine) as connection:
            rows = connection.execute(mine.order_by(table.at_ns, table.id)).mappings()
            return [TaskEvent(**row) for row in rows]

    def page(self, count: int, before_id: str | None, wanted: Wanted) -> list[Task]:
        """Return up to `count` tasks, newest first: those made before one."""
        statement = self._wanted(select(*_TASK), wanted)
        if before_id is not None:
            statement = statement.where(human_task.c.id < before_id)
        statement = statement.order_by(human_task.c.id.desc()).limit(count)
        with reading(self._engine) as connection:
            return [Task(**row) for row in connection.execute(statement).mappings()]

    def counts(self, wanted: Wanted) -> dict[str, int]:
        """Return how many there are in each state; the state that is asked for is left aside."""
        of_all = msgspec.structs.replace(wanted, state="")
        statement = self._wanted(select(human_task.c.state, func.count()), of_all)
        with reading(self._engine) as connection:
            rows = connection.execute(statement.group_by(human_task.c.state))
            return {str(state): int(count) for state, count in rows}

    def decide(
        self, task_id: str, person: Person, vote: TaskVote, also: Also | None = None
    ) -> Task:
        """Keep what somebody says and, where that decides it, end the task and tell its run.

        `also` is done in the same transaction, or neither is.

        Raises:
            NotFound: there is no such task.
            Conflict: it has ended.
            Forbidden: it is assigned to others, or wants another person.
        """
        with writing(self._engine) as connection:
            task = self._locked(connection, task_id)
            require_may_decide(person, self._asked(connection, task))
            if also is not None:
                also(connection)
            row = msgspec.structs.asdict(vote) | {
                "org": task.org,
                "task_id": task.id,
                "person": person.id,
                "at_ns": self._clock.now_ns(),
            }
            kept = upsert(connection, human_task_vote).values(row)
            said = {name: row[name] for name in row if name not in {"org", "task_id", "person"}}
            same = ["org", "task_id", "person"]
            connection.execute(kept.on_conflict_do_update(index_elements=same, set_=said))
            given = {one.person: (one.port, one.digest) for one in self._votes(connection, task)}
            outcome = outcome_of(given, task.approvals_needed)
            if outcome is not None:
                task = self._end(connection, task, DECIDED, port=outcome[0])
                self._tell(connection, _told(task, person.id))
            told: dict[str, Detail] = {
                "by": person.id, "verdict": vote.verdict, "via": vote.via, "state": task.state,
            }  # fmt: skip
            self._record(connection, "task.decide", task, told)
            return task

    def expire(self, connection: Connection, task_id: str) -> str:
        """End a task that nobody decided in time; return its state, which may be another by now.

        In a transaction of the run that waits for it, which needn't be told. Raises NotFound.
        """
        task = self._locked(connection, task_id, must_be_open=False)
        if task.state != OPEN:
            return task.state
        self._end(connection, task, ENDED_BY_TIME, port=EXPIRED)
        self._record(connection, "task.expire", task, {})
        return ENDED_BY_TIME

    def note(self, task_id: str, event: TaskEvent) -> None:
        """Keep what was done with an open task; one with this id is left alone.

        Raises:
            NotFound: there is no such task.
            Conflict: it has ended.
        """
        with writing(self._engine) as connection:
            self._note(connection, self._locked(connection, task_id), event)

    def delegate(self, task_id: str, person: Person, event: TaskEvent) -> None:
        """Let somebody else decide as well, by one who may. Raises as `decide`."""
        with writing(self._engine) as connection:
            task = self._locked(connection, task_id)
            require_may_decide(person, self._asked(connection, task))
            self._assign(connection, task, [(DELEGATE, event.whom)])
            self._note(connection, task, event)

    def remind(self, connection: Connection, task_id: str, event: TaskEvent) -> bool:
        """Write down a reminder; False where the task has ended. Within a transaction."""
        task = self._locked(connection, task_id, must_be_open=False)
        if task.state == OPEN:
            self._note(connection, task, event)
        return task.state == OPEN

    def escalate(
        self, connection: Connection, task_id: str, event: TaskEvent, *, to: Assignees
    ) -> bool:
        """Ask more people; False where the task has ended. Within a transaction."""
        task = self._locked(connection, task_id, must_be_open=False)
        if task.state == OPEN:
            self._assign(connection, task, named_of(to))
            self._note(connection, task, event)
        return task.state == OPEN

    def _end(self, connection: Connection, task: Task, state: str, *, port: str) -> Task:
        values: dict[str, Any] = {
            "state": state, "port": port, "ended_at_ns": self._clock.now_ns(),
        }  # fmt: skip
        mine = and_(human_task.c.org == task.org, human_task.c.id == task.id)
        connection.execute(update(human_task).where(mine).values(values))
        return msgspec.structs.replace(task, **values)

    def _note(self, connection: Connection, task: Task, event: TaskEvent) -> None:
        row = msgspec.structs.asdict(event) | {
            "org": task.org, "task_id": task.id, "at_ns": self._clock.now_ns(),
        }  # fmt: skip
        connection.execute(
            upsert(connection, human_task_event).values(row).on_conflict_do_nothing()
        )
        told: dict[str, Detail] = {"by": event.person, "to": event.whom}
        self._record(connection, f"task.{event.what}", task, told)

    def _assign(self, connection: Connection, task: Task | NewTask, named: Sequence[Named]) -> None:
        row = {"org": task.org, "task_id": task.id, "at_ns": self._clock.now_ns()}
        rows = [row | {"kind": kind, "name": name} for kind, name in dict.fromkeys(named)]
        connection.execute(upsert(connection, human_task_assignee).on_conflict_do_nothing(), rows)

    def _asked(self, connection: Connection, task: Task) -> Asked:
        table = human_task_assignee.c
        mine = select(table.kind, table.name).where(table.org == task.org, table.task_id == task.id)
        named = [(str(kind), str(name)) for kind, name in connection.execute(mine)]
        delegates = frozenset(name for kind, name in named if kind == DELEGATE)
        excluded = frozenset(msgspec.json.decode(task.excluded, type=list[str]))
        return Asked(
            assignees=assignees_of(named),
            delegates=delegates,
            excluded=excluded | self._decided_beside(connection, task),
        )

    def _decided_beside(self, connection: Connection, task: Task) -> frozenset[str]:
        """Return who decided a task of this run that wants other people than this one does."""
        vote, other = human_task_vote.c, human_task.c
        beside = select(vote.person, other.path, other.not_by).where(
            vote.org == task.org,
            other.org == vote.org,
            other.id == vote.task_id,
            other.run_id == task.run_id,
            other.id != task.id,
        )
        not_by = msgspec.json.decode(task.not_by, type=list[str])
        found = connection.execute(beside)
        return frozenset(
            person
            for person, path, theirs in found
            if path in not_by or task.path in msgspec.json.decode(theirs, type=list[str])
        )

    def _votes(self, connection: Connection, task: Task) -> list[TaskVote]:
        table = human_task_vote.c
        mine = select(*_VOTE).where(table.org == task.org, table.task_id == task.id)
        rows = connection.execute(mine.order_by(table.at_ns, table.person)).mappings()
        return [TaskVote(**row) for row in rows]

    def _locked(self, connection: Connection, task_id: str, *, must_be_open: bool = True) -> Task:
        task = self._get(connection, task_id)
        # first the run, as who ends it does, so that neither waits for the other
        run = workflow_run.c
        mine = select(run.id).where(run.org == task.org, run.id == task.run_id)
        connection.execute(mine.with_for_update())
        # by run: tasks that exclude each other's deciders are decided one after the other
        lock(connection, [f"tasks of {task.org} {task.run_id}"])
        task = self._get(connection, task_id)
        if must_be_open and task.state != OPEN:
            raise Conflict(f"the task has ended: it is {task.state} {task.port}".rstrip())
        return task

    def _get(self, connection: Connection, task_id: str) -> Task:
        wanted = select(*_TASK).where(*within(self._reach, human_task), human_task.c.id == task_id)
        found = connection.execute(wanted).mappings().first()
        if found is None:
            raise NotFound("there is no such task", param="id")
        return Task(**found)

    def _wanted(self, statement: Select[Any], wanted: Wanted) -> Select[Any]:
        table, conditions = human_task.c, within(self._reach, human_task)
        for name in ("state", "workflow", "run_id", "team"):
            if value := getattr(wanted, name):
                conditions.append(table[name] == value)
        if wanted.root:
            run = workflow_run.c
            below = select(run.id).where(run.org == table.org, run.root == wanted.root)
            conditions.append(table.run_id.in_(below))
        if wanted.named:
            conditions.append(_assigned_to(wanted.named))
        return statement.where(*conditions)

    def _record(
        self, connection: Connection, action: str, task: Task | NewTask, told: dict[str, Detail]
    ) -> None:
        recorded(connection, Act(task.org, action, Subject("task", task.id), details=told))


def _assigned_to(named: Sequence[Named]) -> ColumnElement[bool]:
    table = human_task_assignee.c
    fits = or_(*(and_(table.kind == kind, table.name == name) for kind, name in named))
    return exists().where(table.org == human_task.c.org, table.task_id == human_task.c.id, fits)


def _told(task: Task, by: str) -> Ended:
    return Ended(
        org=task.org,
        run_id=task.run_id,
        path=task.path,
        task_id=task.id,
        state=task.state,
        port=task.port,
        by=by,
    )
