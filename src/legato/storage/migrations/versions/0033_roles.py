"""Roles: who has which one where, and those that organisations make."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    identifier = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    texts = ("org", "team", "feature", "subject_kind", "subject_id", "role")
    op.create_table(
        "role_binding",
        sa.Column("id", identifier, nullable=False),
        *[sa.Column(name, sa.Text, nullable=False) for name in texts],
        sa.Column("created_at_ns", sa.BigInteger, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint(
            "subject_kind", "subject_id", "role", "org", "team", "feature",
            name="role_binding_once",
        ),
    )  # fmt: skip
    op.create_index("role_binding_org", "role_binding", ["org", "id"])
    op.create_table(
        "custom_role",
        *[
            sa.Column(name, sa.Text, nullable=False)
            for name in ("org", "name", "title", "permissions")
        ],
        sa.Column("created_at_ns", sa.BigInteger, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("org", "name"),
    )
