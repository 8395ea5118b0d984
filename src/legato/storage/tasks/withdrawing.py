"""Takes back what people were asked by runs that have ended, and asks it again where they go on.

Both in the transaction that ends the run or lets it go on, after its row was locked.
"""

from sqlalchemy import Connection, update

from legato.audit.event import Act, Subject
from legato.storage.audit.writing import recorded
from legato.storage.tables.human_tasks import human_task
from legato.storage.tasks.records import OPEN, WITHDRAWN


def withdraw_tasks(connection: Connection, org: str, run_id: str, at_ns: int) -> list[str]:
    """End the open tasks of a run that has ended; return their ids."""
    return _moved(connection, (org, run_id), (OPEN, WITHDRAWN), at_ns)


def reopen_tasks(connection: Connection, org: str, run_id: str) -> list[str]:
    """Open the withdrawn tasks of a run that goes on; return their ids."""
    return _moved(connection, (org, run_id), (WITHDRAWN, OPEN), None)


def _moved(
    connection: Connection, run: tuple[str, str], states: tuple[str, str], ended_at_ns: int | None
) -> list[str]:
    (org, run_id), (was, becomes) = run, states
    table = human_task.c
    mine = (table.org == org, table.run_id == run_id, table.state == was)
    values = {"state": becomes, "ended_at_ns": ended_at_ns}
    moved = update(human_task).where(*mine).values(values).returning(table.id)
    ids = sorted(connection.execute(moved).scalars())
    action = "task.withdraw" if becomes == WITHDRAWN else "task.reopen"
    for task_id in ids:
        recorded(connection, Act(org, action, Subject("task", task_id)))
    return ids
