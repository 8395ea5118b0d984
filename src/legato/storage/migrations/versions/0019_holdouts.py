"""Shares of a route's callers that have its baseline."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"

_ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "holdout",
        sa.Column("org", sa.Text, nullable=False),
        sa.Column("id", _ID, nullable=False),
        sa.Column("route", sa.Text, nullable=False),
        sa.Column("share_bp", sa.BigInteger, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("started_at_ns", sa.BigInteger, nullable=False),
        sa.Column("ended_at_ns", sa.BigInteger, nullable=True),
        sa.Column("ended_by", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("org", "id"),
    )
    op.create_index(
        "holdout_under_way",
        "holdout",
        ["org", "route"],
        unique=True,
        sqlite_where=sa.text("ended_at_ns IS NULL"),
        postgresql_where=sa.text("ended_at_ns IS NULL"),
    )
