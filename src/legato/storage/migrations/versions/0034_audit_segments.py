"""Segments of the ledger and of decisions, whose roots stand in the audit log."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    op.create_table(
        "audit_segment",
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("event", sa.BigInteger, nullable=False),
        sa.Column("after_id", sa.BigInteger, nullable=False),
        sa.Column("last_id", sa.BigInteger, nullable=False),
        sa.Column("last_at_ns", sa.BigInteger, nullable=False),
        sa.Column("hashes", sa.LargeBinary, nullable=False),
        sa.Column("heads", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("kind", "number"),
    )
