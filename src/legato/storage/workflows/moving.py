"""What moves a run, as statements within a transaction of others: to its end, to an activation.

An activation is numbered when it is wanted. Whoever begins one of another number finds nothing
to do, so one that was enqueued twice, or comes late, does no harm.
"""

from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, case, delete, or_, select, update

from legato.storage.tables.workflows import workflow_run, workflow_wait
from legato.storage.tasks.withdrawing import withdraw_tasks
from legato.storage.workflows.rows import ENDED, QUEUED, WAITING, RunEnd

_RUN: Final = workflow_run.c


def own(org: str, run_id: str) -> list[ColumnElement[bool]]:
    """Return the conditions that name one run."""
    return [_RUN.org == org, _RUN.id == run_id]


def tell(
    connection: Connection, org: str, run_ids: list[str], at_ns: int, **values: Any
) -> list[str]:
    """Say that something has come for runs that go on; return which these are.

    One that waits is queued; one that runs finds the news before it leaves.
    """
    waits = _RUN.status == WAITING
    told = (
        update(workflow_run)
        .where(_RUN.org == org, _RUN.id.in_(run_ids), _RUN.status.not_in(ENDED))
        .values(
            news=_RUN.news + 1,
            status=case((waits, QUEUED), else_=_RUN.status),
            activation=_RUN.activation + case((waits, 1), else_=0),
            changed_at_ns=at_ns,
            **values,
        )
        .returning(_RUN.id)
    )
    return list(connection.execute(told).scalars())


def end(connection: Connection, org: str, run_id: str, ended: RunEnd, *, at_ns: int) -> None:
    """Write down that a run has ended: its waits go, its parent is told, its children cancelled.

    People aren't asked any more what it asked them.
    Whoever calls has seen to it that the run is theirs.
    """
    values = {
        "status": ended.status,
        "sealed_end": ended.sealed_end,
        "told": ended.told,
        "failed_node": ended.failed_node,
        "letter": ended.letter,
        "accepted": ended.accepted,
        "ended_at_ns": at_ns,
        "changed_at_ns": at_ns,
        "due_ns": None,
    }
    parent = connection.execute(
        update(workflow_run).where(*own(org, run_id)).values(values).returning(_RUN.parent)
    ).scalar_one()
    waits = workflow_wait.c
    connection.execute(delete(workflow_wait).where(waits.org == org, waits.run_id == run_id))
    withdraw_tasks(connection, org, run_id, at_ns)
    if parent:
        tell(connection, org, [parent], at_ns)
    children = select(_RUN.id).where(
        _RUN.org == org, _RUN.parent == run_id, _RUN.status.not_in(ENDED)
    )
    if left := list(connection.execute(children.order_by(_RUN.id)).scalars()):
        tell(connection, org, left, at_ns, cancelling=True)


def may_begin(org: str, run_id: str, activation: int) -> list[ColumnElement[bool]]:
    """Return the conditions under which this activation may have a run."""
    going = or_(*[_RUN.status == one for one in ("queued", "enqueued", "running")])
    return [*own(org, run_id), _RUN.activation == activation, going]
