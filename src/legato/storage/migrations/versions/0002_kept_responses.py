"""Responses kept for callers, and the conversations they are turns of."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "response_conversation",
        sa.Column("org", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("used_at_ns", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("org", "id"),
    )
    op.create_index("ix_response_conversation_used_at_ns", "response_conversation", ["used_at_ns"])
    op.create_table(
        "stored_response",
        sa.Column("org", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("conversation_id", sa.Text, nullable=False),
        sa.Column("previous_id", sa.Text, nullable=False),
        sa.Column("created_at_ns", sa.BigInteger, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("org", "id"),
    )
    op.create_index(
        "ix_stored_response_conversation", "stored_response", ["org", "conversation_id"]
    )
