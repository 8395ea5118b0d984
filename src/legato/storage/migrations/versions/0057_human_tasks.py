"""What people are asked by workflows, what they said, and links by which they may say it."""

import sqlalchemy as sa
from alembic import op

revision = "0057"
down_revision = "0056"


def _id(name: str) -> sa.Column[str]:
    byte_by_byte = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    return sa.Column(name, byte_by_byte, nullable=False)


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _numbers(*names: str, nullable: bool = False) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger, nullable=nullable) for name in names]


def _bytes(name: str) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary, nullable=False)


def upgrade() -> None:
    op.create_table(
        "human_task",
        *_texts("org"),
        _id("id"),
        *_texts("team", "feature", "workflow", "run_id", "path", "ask", "state", "port"),
        sa.Column("approvals_needed", sa.Integer, nullable=False),
        *_texts("excluded", "not_by"),
        *_numbers("created_at_ns"),
        *_numbers("deadline_ns", "ended_at_ns", nullable=True),
        _bytes("sealed"),
        sa.Column("origin_user", sa.Text, nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("org", "id"),
    )
    op.create_index("human_task_once", "human_task", ["org", "run_id", "path"], unique=True)
    is_open = sa.text("state = 'open'")
    op.create_index(
        "human_task_open",
        "human_task",
        ["org", "id"],
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
    _parts()


def _parts() -> None:
    op.create_table(
        "human_task_assignee",
        *_texts("org"),
        _id("task_id"),
        *_texts("kind", "name"),
        *_numbers("at_ns"),
        sa.PrimaryKeyConstraint("org", "task_id", "kind", "name"),
    )
    whose = ["org", "kind", "name"]
    op.create_index("human_task_assignee_whose", "human_task_assignee", whose)
    op.create_table(
        "human_task_vote",
        *_texts("org"),
        _id("task_id"),
        *_texts("person", "verdict", "port", "digest", "via"),
        _bytes("sealed"),
        *_numbers("at_ns"),
        sa.PrimaryKeyConstraint("org", "task_id", "person"),
    )
    op.create_table(
        "human_task_event",
        *_texts("org"),
        _id("task_id"),
        _id("id"),
        *_texts("what", "person", "whom"),
        _bytes("sealed"),
        *_numbers("at_ns"),
        sa.PrimaryKeyConstraint("org", "task_id", "id"),
    )
    op.create_table(
        "human_task_link",
        *_texts("org"),
        _bytes("digest"),
        _id("task_id"),
        *_texts("person"),
        *_numbers("expires_at_ns"),
        *_numbers("used_at_ns", nullable=True),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_index("human_task_link_of", "human_task_link", ["org", "task_id"])
