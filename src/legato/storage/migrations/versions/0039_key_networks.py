"""From where a key may be used."""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"


def upgrade() -> None:
    op.add_column("api_key", sa.Column("allow_from", sa.Text, nullable=False, server_default="[]"))
