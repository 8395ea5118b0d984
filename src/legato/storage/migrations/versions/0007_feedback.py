"""What callers say of the answers they got."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "feedback",
        sa.Column("id", _ID, nullable=False),
        sa.Column("org", sa.Text, nullable=False),
        sa.Column("request_id", _ID, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("key_id", sa.Text, nullable=False),
        sa.Column("end_user", sa.Text, nullable=False),
        sa.Column("thumbs", sa.Text),
        sa.Column("score", sa.Double),
        sa.Column("outcome", sa.Text),
        sa.Column("correction", sa.LargeBinary),
        sa.Column("comment", sa.LargeBinary),
        sa.Column("created_at_ns", sa.BigInteger, nullable=False),
        sa.Column("changed_at_ns", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("org", "request_id", "source", name="feedback_source"),
    )
    op.create_index("feedback_org", "feedback", ["org", "id"])
    op.create_index("ix_feedback_changed_at_ns", "feedback", ["changed_at_ns"])
