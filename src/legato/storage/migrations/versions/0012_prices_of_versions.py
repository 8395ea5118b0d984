"""What each version of a deployment in the registry charges."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "registry_price",
        sa.Column("org", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("price", sa.Text, nullable=True),
        sa.Column("batch_price", sa.Text, nullable=True),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("priced_at_ns", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("org", "name", "digest"),
    )
