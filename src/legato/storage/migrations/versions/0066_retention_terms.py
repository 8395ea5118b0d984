"""How long kinds of rows are kept, of an organisation or of all, as people set it."""

import sqlalchemy as sa
from alembic import op

revision = "0066"
down_revision = "0065"


def upgrade() -> None:
    op.create_table(
        "retention_term",
        sa.Column("org", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("days", sa.BigInteger, nullable=False),
        sa.Column("changed_by", sa.Text, nullable=False),
        sa.Column("changed_at_ns", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("org", "kind"),
    )
