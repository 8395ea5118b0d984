"""When each executor of durable runs was last heard of."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "run_executor",
        sa.Column("executor", sa.Text, nullable=False),
        sa.Column("beat_at_ns", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("executor"),
    )
