"""Who was given all that is held about whom."""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"

_ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "subject_export",
        sa.Column("org", sa.Text, nullable=False),
        sa.Column("id", _ID, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("end_user", sa.Text, nullable=False),
        sa.Column("request_id", _ID, nullable=False),
        sa.Column("counts", sa.Text, nullable=False),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.Column("ended_at_ns", sa.BigInteger),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("org", "id"),
    )
    op.create_index("subject_export_subject", "subject_export", ["org", "end_user", "request_id"])
