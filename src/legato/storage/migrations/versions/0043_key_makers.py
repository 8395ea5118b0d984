"""By which key a key was made."""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"


def upgrade() -> None:
    op.add_column("api_key", sa.Column("made_by", sa.Text, nullable=False, server_default=""))
