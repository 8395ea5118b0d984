"""Rollouts whose start waits until others approve."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.add_column(
        "rollout", sa.Column("approvals", sa.BigInteger, nullable=False, server_default="0")
    )
    op.add_column(
        "rollout", sa.Column("waits", sa.Boolean, nullable=False, server_default=sa.false())
    )
    op.add_column(
        "registry_move",
        sa.Column("rollout_digest", sa.Text, nullable=False, server_default=""),
    )
