"""Runs of workflows: what they run, their steps, what they wait for and what has come for them."""

import sqlalchemy as sa
from alembic import op

revision = "0058"
down_revision = "0057"

_RUN_TEXTS = ("team", "feature", "workflow", "digest", "key_id", "author", "end_user")


def _id(name: str) -> sa.Column[str]:
    byte_by_byte = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    return sa.Column(name, byte_by_byte, nullable=False)


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _numbers(*names: str, nullable: bool = False) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger, nullable=nullable) for name in names]


def _sealed(name: str = "sealed") -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary, nullable=False)


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False)


def upgrade() -> None:
    op.create_table(
        "workflow_definition",
        *_texts("org", "digest"),
        _sealed(),
        *_numbers("created_at_ns"),
        sa.PrimaryKeyConstraint("org", "digest"),
    )
    _runs()
    _parts()


def _runs() -> None:
    op.create_table(
        "workflow_run",
        *_texts("org"),
        _id("id"),
        *_texts(*_RUN_TEXTS),
        _id("root"),
        _id("parent"),
        *_texts("parent_node", "parent_name"),
        *_numbers("depth"),
        *_texts("origin"),
        _id("origin_run"),
        _flag("test"),
        *_texts("status", "told", "failed_node", "letter"),
        _sealed(),
        _sealed("sealed_end"),
        *_numbers("fence", "activation", "news", "sequence"),
        _flag("cancelling"),
        *_texts("executor"),
        *_numbers("due_ns", nullable=True),
        *_numbers("steps", "charged"),
        sa.Column("accepted", sa.Boolean),
        *_numbers("created_at_ns", "changed_at_ns"),
        *_numbers("ended_at_ns", nullable=True),
        sa.PrimaryKeyConstraint("org", "id"),
    )
    op.create_index("workflow_run_status", "workflow_run", ["status", "executor"])
    _index("workflow_run_due", "workflow_run", ["due_ns"], "due_ns IS NOT NULL")
    op.create_index("workflow_run_children", "workflow_run", ["org", "parent"])
    op.create_index("workflow_run_tree", "workflow_run", ["org", "root"])
    _index("workflow_run_letters", "workflow_run", ["org", "letter", "id"], "letter <> ''")
    op.create_index("ix_workflow_run_ended_at_ns", "workflow_run", ["ended_at_ns"])


def _parts() -> None:
    op.create_table(
        "workflow_step",
        *_texts("org"),
        _id("run_id"),
        *_texts("node", "name", "state", "port"),
        *_numbers("attempts"),
        sa.Column("confidence", sa.Double),
        _sealed(),
        *_numbers("started_at_ns"),
        *_numbers("ended_at_ns", nullable=True),
        *_texts("end_user"),
        *_numbers("sequence"),
        sa.PrimaryKeyConstraint("org", "run_id", "node", "name"),
    )
    op.create_table(
        "workflow_wait",
        *_texts("org"),
        _id("run_id"),
        *_texts("node", "name", "topic", "event", "condition"),
        *_numbers("due_ns", nullable=True),
        *_numbers("created_at_ns"),
        sa.PrimaryKeyConstraint("org", "run_id", "node", "name"),
    )
    _index("workflow_wait_event", "workflow_wait", ["org", "event"], "event <> ''")
    op.create_table(
        "workflow_message",
        *_texts("org"),
        _id("run_id"),
        *_texts("id"),
        *_numbers("number"),
        *_texts("topic", "event", "sender"),
        _flag("taken"),
        _sealed(),
        *_numbers("at_ns"),
        *_texts("end_user"),
        sa.PrimaryKeyConstraint("org", "run_id", "id"),
    )


def _index(name: str, table: str, columns: list[str], condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)
