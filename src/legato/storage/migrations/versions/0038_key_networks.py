"""From where a key may be used."""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"


def upgrade() -> None:
    op.add_column("api_key", sa.Column("allow_from", sa.Text, nullable=False, server_default="[]"))
