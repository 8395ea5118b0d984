"""What workflows tell is sealed, and goes with the user whom it is about."""

import sqlalchemy as sa
from alembic import op

revision = "0064"
down_revision = "0062"


def upgrade() -> None:
    op.add_column("notification", sa.Column("sealed", sa.LargeBinary, nullable=True))
    op.add_column(
        "notification", sa.Column("origin_user", sa.Text, nullable=False, server_default="")
    )
