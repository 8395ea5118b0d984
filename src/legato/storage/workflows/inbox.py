"""What comes for runs from outside: messages on topics, and events. None is ever lost.

A message and the news of it are one transaction. An activation that is under way finds the news
before it leaves, since it leaves only where it knows of all news.
"""

from typing import Final

from sqlalchemy import Connection, Engine, func, select

from legato.audit.event import Act, Detail, Subject
from legato.core.errors import Conflict, NotFound
from legato.core.tenant import Reach
from legato.storage.audit.writing import recorded
from legato.storage.database.dialect import upsert
from legato.storage.database.engine import reading, writing
from legato.storage.database.tenancy import within
from legato.storage.tables.workflows import workflow_message, workflow_run, workflow_wait
from legato.storage.workflows.moving import tell
from legato.storage.workflows.rows import ENDED, MessageRow

_RUN: Final = workflow_run.c


class WorkflowInbox:
    """The inbox of the runs within reach. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, reach: Reach) -> None:
        self._engine = engine
        self._mine = within(reach, workflow_run)

    def put(self, run_id: str, message: MessageRow, *, audited: bool = True) -> bool:
        """Give a run a message; False where one of this id has come before.

        Raises:
            NotFound: there is no such run.
            Conflict: it has ended.
        """
        with writing(self._engine) as connection:
            wanted = select(_RUN.org, _RUN.status, _RUN.end_user).where(
                *self._mine, _RUN.id == run_id
            )
            row = connection.execute(wanted).first()
            if row is None:
                raise NotFound(f"There is no run {run_id[:64]!r}.", param="id")
            if row.status in ENDED:
                raise Conflict(f"id: the run is {row.status} and hears nothing any more")
            new = put_message(connection, (row.org, run_id), message, row.end_user)
            if new and audited:
                details: dict[str, Detail] = {"topic": message.topic or message.event}
                subject = Subject("workflow_run", run_id)
                recorded(connection, Act(row.org, "workflow.signal", subject, details=details))
            return new

    def listeners(self, org: str, event: str) -> list[str]:
        """Return which runs wait for events of a type; a `*` at a wait's end means all that follow.

        Whether the event is the one a node means, the node's condition decides.
        """
        waits = workflow_wait.c
        exact = waits.event == event
        prefix = waits.event.like("%*") & (
            func.substr(event, 1, func.length(waits.event) - 1)
            == func.substr(waits.event, 1, func.length(waits.event) - 1)
        )
        wanted = (
            select(waits.run_id)
            .join(workflow_run, (_RUN.org == waits.org) & (_RUN.id == waits.run_id))
            .where(*self._mine, waits.org == org, waits.event != "", exact | prefix)
            .distinct()
        )
        with reading(self._engine) as connection:
            return sorted(connection.execute(wanted).scalars())


def put_told(connection: Connection, org: str, run_id: str, message: MessageRow) -> bool:
    """Give a run a message within a transaction of others; false where it can't hear it any more.

    That is where it has ended, was pruned, or was told the same before.
    """
    wanted = select(_RUN.end_user).where(
        _RUN.org == org, _RUN.id == run_id, _RUN.status.not_in(ENDED)
    )
    row = connection.execute(wanted).first()
    return row is not None and put_message(connection, (org, run_id), message, row.end_user)


def put_message(
    connection: Connection, run: tuple[str, str], message: MessageRow, end_user: str
) -> bool:
    """Give a run (organisation, id) a message within a transaction of others.

    False where it has come before. `end_user` is that of the run.
    """
    org, run_id = run
    row = {
        "org": org,
        "run_id": run_id,
        "id": message.id,
        "number": message.number,
        "topic": message.topic,
        "event": message.event,
        "sender": message.sender,
        "taken": False,
        "sealed": message.sealed,
        "at_ns": message.at_ns,
        "end_user": end_user,
    }
    made = upsert(connection, workflow_message).values(row).on_conflict_do_nothing()
    if connection.execute(made.returning(workflow_message.c.id)).first() is None:
        return False
    tell(connection, org, [run_id], message.at_ns)
    return True
