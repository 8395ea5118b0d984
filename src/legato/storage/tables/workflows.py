"""The tables of workflow runs, as part of `storage.schema`."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    text,
)

from legato.storage.tables.agents import AGENT_TABLES
from legato.storage.tables.columns import Id, metadata, number_column, text_column
from legato.storage.tables.human_tasks import HUMAN_TASK_TABLES
from legato.storage.tables.triggers import TRIGGER_TABLES
from legato.storage.tables.twins import workflow_twin

# What runs run, by the digest of its content: a run finishes on what it began with, whatever
# becomes of the registry's version.
workflow_definition: Final = Table(
    "workflow_definition",
    metadata,
    text_column("org"),
    text_column("digest"),
    Column("sealed", LargeBinary, nullable=False),
    number_column("created_at_ns"),
    PrimaryKeyConstraint("org", "digest"),
)

workflow_run: Final = Table(
    "workflow_run",
    metadata,
    text_column("org"),
    Column("id", Id, nullable=False),
    text_column("team"),
    text_column("feature"),
    text_column("workflow"),  # its name in the registry, "" for a file's
    text_column("digest"),
    text_column("key_id"),  # for which it acts
    text_column("author"),
    text_column("end_user"),  # keyed pseudonym
    Column("root", Id, nullable=False),  # the run that all of a tree belong to: itself for most
    Column("parent", Id, nullable=False),
    text_column("parent_node"),
    text_column("parent_name"),
    number_column("depth"),
    text_column("origin"),  # what began it: api, a trigger's name, replay, redrive
    Column("origin_run", Id, nullable=False),  # which it repeats
    Column("test", Boolean, nullable=False),
    text_column("status"),  # queued, enqueued, running, waiting, paused, done, failed, cancelled
    text_column("told"),  # the code of why it failed
    text_column("failed_node"),
    text_column("letter"),  # of a dead letter: open, redriven, dismissed
    Column("sealed", LargeBinary, nullable=False),  # what it begins with
    Column("sealed_end", LargeBinary, nullable=False),  # what it came to
    number_column("fence"),  # who writes names it; rises with each activation
    number_column("activation"),
    number_column("news"),  # counts what has come for it
    number_column("sequence"),  # counts what it wrote: events are numbered by it
    Column("cancelling", Boolean, nullable=False),
    text_column("executor"),  # who has it
    number_column("due_ns", nullable=True),  # when it is to be looked at, whatever comes
    number_column("steps"),
    number_column("charged"),  # nano-USD beside what the ledger says
    Column("accepted", Boolean),
    number_column("created_at_ns"),
    number_column("changed_at_ns"),
    Column("ended_at_ns", BigInteger, nullable=True, index=True),
    PrimaryKeyConstraint("org", "id"),
    Index("workflow_run_status", "status", "executor"),
    Index("workflow_run_due", "due_ns", sqlite_where=text("due_ns IS NOT NULL")),
    Index("workflow_run_children", "org", "parent"),
    Index("workflow_run_tree", "org", "root"),
    Index("workflow_run_letters", "org", "letter", "id", sqlite_where=text("letter <> ''")),
)

# What came of a node (name ""), and of what it did (by name). Once recorded never changed.
workflow_step: Final = Table(
    "workflow_step",
    metadata,
    text_column("org"),
    Column("run_id", Id, nullable=False),
    text_column("node"),
    text_column("name"),
    text_column("state"),  # started, retrying, done, failed, skipped; recorded for those with names
    text_column("port"),
    number_column("attempts"),
    Column("confidence", Double),
    Column("sealed", LargeBinary, nullable=False),
    number_column("started_at_ns"),
    number_column("ended_at_ns", nullable=True),
    text_column("end_user"),  # that of its run
    number_column("sequence"),  # its run's, when it was written last
    PrimaryKeyConstraint("org", "run_id", "node", "name"),
)

workflow_wait: Final = Table(
    "workflow_wait",
    metadata,
    text_column("org"),
    Column("run_id", Id, nullable=False),
    text_column("node"),
    text_column("name"),
    text_column("topic"),
    text_column("event"),
    text_column("condition"),
    number_column("due_ns", nullable=True),
    number_column("created_at_ns"),
    PrimaryKeyConstraint("org", "run_id", "node", "name"),
    Index("workflow_wait_event", "org", "event", sqlite_where=text("event <> ''")),
)

workflow_message: Final = Table(
    "workflow_message",
    metadata,
    text_column("org"),
    Column("run_id", Id, nullable=False),
    text_column("id"),  # its sender's, so that it comes once
    number_column("number"),  # in the order they came
    text_column("topic"),
    text_column("event"),
    text_column("sender"),
    Column("taken", Boolean, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    number_column("at_ns"),
    text_column("end_user"),  # that of its run
    PrimaryKeyConstraint("org", "run_id", "id"),
)

# A workflow as a page for people who sign in. Its runs act for a key of its own: the budget.
workflow_page: Final = Table(
    "workflow_page",
    metadata,
    text_column("org"),
    Column("id", Id, nullable=False),
    text_column("team"),
    text_column("feature"),
    text_column("name"),
    text_column("kind"),  # form, chat
    text_column("workflow"),
    text_column("title"),
    text_column("about"),
    text_column("audience"),  # JSON object: accounts, roles, teams
    text_column("key_id"),
    text_column("author"),
    number_column("created_at_ns"),
    number_column("ended_at_ns", nullable=True),
    PrimaryKeyConstraint("org", "id"),
    Index("workflow_page_name", "org", "name", unique=True,
          sqlite_where=text("ended_at_ns IS NULL")),
)  # fmt: skip

WORKFLOW_TABLES: Final = (
    AGENT_TABLES
    | HUMAN_TASK_TABLES
    | TRIGGER_TABLES
    | {
        one.name
        for one in (
            workflow_definition,
            workflow_run,
            workflow_step,
            workflow_wait,
            workflow_message,
            workflow_twin,
            workflow_page,
        )
    }
)
