"""Which regions a tenant's calls may be sent to."""

import sqlalchemy as sa
from alembic import op

revision = "0054"
down_revision = "0053"


def upgrade() -> None:
    op.create_table(
        "residency",
        sa.Column("org", sa.Text, nullable=False),
        sa.Column("team", sa.Text, nullable=False),
        sa.Column("regions", sa.Text, nullable=False),
        sa.Column("changed_by", sa.Text, nullable=False),
        sa.Column("changed_at_ns", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("org", "team"),
    )
