"""Traces are read newest first within an organisation, however few of all are its own."""

from alembic import op

revision = "0070"
down_revision = "0067"


def upgrade() -> None:
    op.create_index("trace_block_org", "trace_block", ["org", "last_at_ns", "id"])
