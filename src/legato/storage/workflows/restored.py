"""Runs of a database that was restored: nobody goes on with them until somebody says so."""

from sqlalchemy import Engine, inspect

from legato.core.tenant import EVERY_TENANT
from legato.storage.database.engine import reading
from legato.storage.tables.workflows import workflow_run
from legato.storage.workflows.runs import WorkflowRuns


def pause_restored(engine: Engine, at_ns: int) -> int:
    """Pause what goes on, of all organisations; return how many runs.

    What they did outside since the backup nobody took back. A database of an older version has no
    such table, and nothing to pause.

    Raises:
        StorageUnavailable: the database does not answer.
    """
    with reading(engine) as connection:
        there = inspect(connection).has_table(workflow_run.name)
    return WorkflowRuns(engine, EVERY_TENANT).pause_open(at_ns) if there else 0
