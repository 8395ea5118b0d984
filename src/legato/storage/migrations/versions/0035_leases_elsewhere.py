"""What lets a store beside the database grant leases: who has some, and who used what."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"

_ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.add_column(
        "limit_window", sa.Column("version", sa.BigInteger, nullable=False, server_default="0")
    )
    op.create_table(
        "lease_store",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("made_at_ns", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "lease_holder",
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("began_at_ns", sa.BigInteger, nullable=False),
        sa.Column("ended_at_ns", sa.BigInteger, nullable=True),
        sa.Column("dropped", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("holder"),
    )
    op.create_table(
        "limit_used",
        sa.Column(
            "window_id",
            _ROW_ID,
            sa.ForeignKey("limit_window.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("used", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("window_id", "holder"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_limit_used_holder", "limit_used", ["holder"])
