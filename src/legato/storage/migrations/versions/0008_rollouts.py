"""Rollouts of versions, what was done in each, and what became of the requests in their arms."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "rollout",
        _text("org"),
        sa.Column("id", _ID, nullable=False),
        *[
            _text(name)
            for name in ("environment", "kind", "name", "label", "champion", "candidate")
        ],
        *[_text(name) for name in ("plan", "phase", "author", "reason", "told")],
        *[_number(name) for name in ("step", "since_ns", "started_at_ns", "version")],
        _text("begun"),
        sa.Column("ended_at_ns", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("org", "id"),
    )
    op.create_index(
        "rollout_under_way",
        "rollout",
        ["org", "environment", "kind", "name", "label"],
        unique=True,
        sqlite_where=sa.text("ended_at_ns IS NULL"),
        postgresql_where=sa.text("ended_at_ns IS NULL"),
    )
    op.create_table(
        "rollout_event",
        _text("org"),
        sa.Column("rollout_id", _ID, nullable=False),
        _number("number"),
        _number("at_ns"),
        *[_text(name) for name in ("actor", "action", "reason", "evidence")],
        sa.PrimaryKeyConstraint("org", "rollout_id", "number"),
    )
    op.create_table(
        "arm_outcome",
        _text("org"),
        sa.Column("rollout_id", _ID, nullable=False),
        _text("arm"),
        sa.Column("request_id", _ID, nullable=False),
        _number("at_ns"),
        _text("unit"),
        sa.Column("ok", sa.Boolean, nullable=False),
        sa.Column("cost", sa.BigInteger, nullable=True),
        _number("total_us"),
        sa.PrimaryKeyConstraint("org", "rollout_id", "arm", "request_id"),
    )
    op.create_index("ix_arm_outcome_at_ns", "arm_outcome", ["at_ns"])


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)
