"""What became of the copies of calls that a shadow answered."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

_ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "shadow_outcome",
        sa.Column("org", sa.Text, nullable=False),
        *[
            sa.Column(name, _ID, nullable=False)
            for name in ("rollout_id", "request_id", "live_request_id")
        ],
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("live_status", sa.Text, nullable=False),
        sa.Column("cost", sa.BigInteger, nullable=True),
        sa.Column("live_cost", sa.BigInteger, nullable=True),
        *[
            sa.Column(name, sa.BigInteger, nullable=False)
            for name in ("total_us", "live_us", "output_tokens", "live_output_tokens")
        ],
        *[
            sa.Column(name, sa.Boolean, nullable=True)
            for name in ("shadow_json", "live_json", "agrees")
        ],
        sa.PrimaryKeyConstraint("org", "rollout_id", "request_id"),
    )
    op.create_index("ix_shadow_outcome_at_ns", "shadow_outcome", ["at_ns"])
