"""What a vendor's change would do, and what was decided."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

_ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "proposal",
        sa.Column("id", _ID, nullable=False),
        *[
            sa.Column(name, sa.Text, nullable=False)
            for name in ("org", "digest", "kind", "subject", "state")
        ],
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("fact", sa.Text, nullable=False),
        sa.Column("changes", sa.Text, nullable=False),
        sa.Column("figures", sa.Text, nullable=True),
        sa.Column("told", sa.Text, nullable=False),
        sa.Column("made_at_ns", sa.BigInteger, nullable=False),
        sa.Column("decided_at_ns", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("org", "digest", name="proposal_fact"),
    )
    op.create_index("proposal_org", "proposal", ["org", "id"])
    op.create_table(
        "proposal_event",
        sa.Column("id", _ID, nullable=False),
        sa.Column("org", sa.Text, nullable=False),
        sa.Column("proposal_id", _ID, nullable=False),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        *[sa.Column(name, sa.Text, nullable=False) for name in ("actor", "action", "reason")],
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("proposal_event_of", "proposal_event", ["org", "proposal_id", "id"])
