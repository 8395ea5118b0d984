"""Redaction maps that policies keep, and who asked for them."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"

_ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "kept_map",
        sa.Column("org", sa.Text, nullable=False),
        sa.Column("request_id", _ID, nullable=False),
        sa.Column("end_user", sa.Text, nullable=False),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.Column("expires_at_ns", sa.BigInteger, nullable=False, index=True),
        sa.Column("policies", sa.Text, nullable=False),
        sa.Column("who", sa.Text),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("org", "request_id"),
    )
    op.create_index("kept_map_user", "kept_map", ["org", "end_user"])
    op.create_table(
        "map_reading",
        sa.Column("id", _ID, nullable=False),
        sa.Column("org", sa.Text, nullable=False),
        sa.Column("request_id", _ID, nullable=False),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("map_reading_of", "map_reading", ["org", "request_id", "id"])
