"""Who let somebody choose the password of an account."""

import sqlalchemy as sa
from alembic import op

revision = "0056"
down_revision = "0055"


def upgrade() -> None:
    for table in ("account", "account_invitation"):
        op.add_column(table, sa.Column("vouched_by", sa.Text, nullable=False, server_default=""))
