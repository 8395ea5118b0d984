"""How a rollout divides callers among several candidates."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("rollout", sa.Column("division", sa.Text, nullable=False, server_default=""))
