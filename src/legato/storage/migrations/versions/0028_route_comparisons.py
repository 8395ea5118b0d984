"""What came of each comparison with a route's baseline: a router learns from it."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"

_ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "route_comparison",
        sa.Column("org", sa.Text, nullable=False),
        sa.Column("request_id", _ID, nullable=False),
        sa.Column("route", sa.Text, nullable=False),
        sa.Column("choice", sa.Text, nullable=False),
        sa.Column("baseline", sa.Text, nullable=False),
        sa.Column("loss", sa.Integer, nullable=False),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("org", "request_id"),
    )
    op.create_index("ix_route_comparison_at_ns", "route_comparison", ["at_ns"])
