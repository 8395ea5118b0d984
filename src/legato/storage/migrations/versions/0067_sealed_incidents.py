"""What people say of incidents is sealed, and goes with whoever said it."""

import sqlalchemy as sa
from alembic import op

revision = "0067"
down_revision = "0066"


def upgrade() -> None:
    op.add_column("incident", sa.Column("sealed", sa.LargeBinary, nullable=True))
    for name in ("origin_user", "closing_user"):
        op.add_column("incident", sa.Column(name, sa.Text, nullable=False, server_default=""))
