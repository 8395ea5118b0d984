"""Which request an entry of the semantic cache is from, and whose it was."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    for name in ("request_id", "end_user"):
        op.add_column("semantic_entry", sa.Column(name, sa.Text, nullable=False, server_default=""))
