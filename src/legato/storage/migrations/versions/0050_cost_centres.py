"""Rates of currencies, and rules that give entries a cost centre."""

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0049"


def upgrade() -> None:
    op.create_table(
        "fx_rate",
        sa.Column("org", sa.Text, nullable=False),
        sa.Column("base", sa.Text, nullable=False),
        sa.Column("quote", sa.Text, nullable=False),
        sa.Column("day", sa.BigInteger, nullable=False),
        sa.Column("units", sa.BigInteger, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("set_at_ns", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("org", "base", "quote", "day"),
    )
    op.create_table(
        "cost_rules",
        sa.Column("org", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("valid_from", sa.BigInteger, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("made_by", sa.Text, nullable=False),
        sa.Column("made_at_ns", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("org", "version"),
    )
