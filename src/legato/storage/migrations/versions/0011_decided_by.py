"""What decisions were made by: configurations and routes, by their digests."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    for table, key, content in (
        ("config_version", "content_hash", "config"),
        ("route_facts", "digest", "facts"),
    ):
        op.create_table(
            table,
            sa.Column(key, sa.Text, primary_key=True),
            sa.Column("at_ns", sa.BigInteger, nullable=False),
            sa.Column(content, sa.Text, nullable=False),
        )
