"""What a key requires of the deployments that serve it."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("api_key", sa.Column("require", sa.Text, nullable=True))
