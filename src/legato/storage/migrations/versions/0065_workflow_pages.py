"""Workflows as pages for people who sign in."""

import sqlalchemy as sa
from alembic import op

revision = "0065"
down_revision = "0064"

_TEXTS = ("team", "feature", "name", "kind", "workflow", "title", "about", "audience", "key_id")


def upgrade() -> None:
    op.create_table(
        "workflow_page",
        sa.Column("org", sa.Text, nullable=False),
        sa.Column("id", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"),
                  nullable=False),
        *[sa.Column(name, sa.Text, nullable=False) for name in (*_TEXTS, "author")],
        sa.Column("created_at_ns", sa.BigInteger, nullable=False),
        sa.Column("ended_at_ns", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("org", "id"),
    )  # fmt: skip
    op.create_index(
        "workflow_page_name",
        "workflow_page",
        ["org", "name"],
        unique=True,
        sqlite_where=sa.text("ended_at_ns IS NULL"),
        postgresql_where=sa.text("ended_at_ns IS NULL"),
    )
