"""Who may hand a batch to its provider."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

_ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "batch_claim",
        sa.Column("org", sa.Text, nullable=False),
        sa.Column("batch_id", _ID, nullable=False),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("until_ns", sa.BigInteger, nullable=False),
        sa.Column("settled", sa.Boolean, nullable=False),
        sa.Column("provider_batch", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("org", "batch_id"),
    )
