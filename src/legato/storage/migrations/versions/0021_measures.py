"""What was done to a request so that it costs less."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.add_column("ledger_entry", sa.Column("measures", sa.Text, nullable=False, server_default=""))
