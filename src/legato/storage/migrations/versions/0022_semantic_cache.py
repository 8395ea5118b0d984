"""Entries of the semantic cache, what was purged of them, and the number of the last change."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"

_ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "semantic_change",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "semantic_entry",
        sa.Column("id", _ID, nullable=False),
        sa.Column("org", sa.Text, nullable=False),
        sa.Column("embedder", sa.Text, nullable=False),
        sa.Column("change", sa.BigInteger, nullable=False),
        sa.Column("created_at_ns", sa.BigInteger, nullable=False),
        sa.Column("expires_at_ns", sa.BigInteger, nullable=False),
        sa.Column("hits", sa.BigInteger, nullable=False),
        sa.Column("saved", sa.BigInteger, nullable=False),
        sa.Column("wrong", sa.BigInteger, nullable=False),
        sa.Column("forgotten", sa.Boolean, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    entry = "semantic_entry"
    op.create_index("semantic_entry_change", entry, ["embedder", "change"], unique=True)
    op.create_index("semantic_entry_expires", entry, ["expires_at_ns"])
    op.create_index("semantic_entry_org", entry, ["org"])
    op.create_table(
        "semantic_purge",
        sa.Column("change", sa.BigInteger, nullable=False),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.Column("selection", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("change"),
    )
