"""Files kept for callers, in sealed parts, and batches of calls."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "stored_file",
        sa.Column("org", sa.Text, nullable=False),
        sa.Column("id", _ID, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("parts", sa.BigInteger, nullable=False),
        sa.Column("created_at_ns", sa.BigInteger, nullable=False),
        sa.Column("sealed_name", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("org", "id"),
    )
    op.create_table(
        "stored_file_part",
        sa.Column("org", sa.Text, nullable=False),
        sa.Column("file_id", _ID, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("org", "file_id", "number"),
    )
    op.create_table(
        "batch",
        sa.Column("org", sa.Text, nullable=False),
        sa.Column("id", _ID, nullable=False),
        *[
            sa.Column(name, sa.Text, nullable=False)
            for name in (
                "key_id",
                "endpoint",
                "input_file_id",
                "output_file_id",
                "error_file_id",
                "status",
            )
        ],
        *[
            sa.Column(name, sa.BigInteger, nullable=False)
            for name in ("created_at_ns", "expires_at_ns", "lines", "completed", "failed")
        ],
        sa.Column("times", sa.Text, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("sealed_errors", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("org", "id"),
    )
    op.create_index("ix_batch_status", "batch", ["status"])
    op.create_table(
        "batch_line",
        sa.Column("org", sa.Text, nullable=False),
        sa.Column("batch_id", _ID, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("failed", sa.Boolean, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("org", "batch_id", "number"),
    )
