"""Where the audit log was copied to, and up to which event."""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"


def upgrade() -> None:
    op.create_table(
        "audit_export",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("root", sa.LargeBinary, nullable=False),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.Column("failing_since_ns", sa.BigInteger, nullable=True),
        sa.Column("forked", sa.Boolean, nullable=False),
        sa.Column("told", sa.Text, nullable=False),
    )
