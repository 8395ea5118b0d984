"""Budgets of their own, which of them entries were charged to, and their events.

Entries that name one counter, as all do that are there, name it as before.
"""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"


def upgrade() -> None:
    op.create_table(
        "budget",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("org", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("measure", sa.Text, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("period", sa.Text, nullable=False),
        sa.Column("rolling_s", sa.BigInteger, nullable=False),
        sa.Column("covers", sa.Text, nullable=False),
        sa.Column("each", sa.Text, nullable=False),
        sa.Column("hard", sa.Boolean, nullable=False),
        sa.Column("steps", sa.Text, nullable=False),
        sa.Column("share_by", sa.Text, nullable=False),
        sa.Column("weights", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("created_at_ns", sa.BigInteger, nullable=False),
        sa.Column("changed_at_ns", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("org", "name", name="budget_name"),
    )
    op.create_table(
        "budget_set",
        sa.Column("set_id", sa.Text, nullable=False),
        sa.Column("limit_id", sa.Text, nullable=False),
        sa.Column("org", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("set_id", "limit_id"),
    )
    op.create_index("budget_set_limit", "budget_set", ["limit_id"])
    op.create_table(
        "budget_event",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("org", sa.Text, nullable=False),
        sa.Column("budget_id", sa.Text, nullable=False),
        sa.Column("limit_id", sa.Text, nullable=False),
        sa.Column("window_start_ns", sa.BigInteger, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("at_percent", sa.BigInteger, nullable=False),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.Column("used", sa.BigInteger, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.UniqueConstraint(
            "limit_id", "window_start_ns", "what", "at_percent", name="budget_event_once"
        ),
    )
    op.create_index("ix_budget_event_at_ns", "budget_event", ["at_ns"])
