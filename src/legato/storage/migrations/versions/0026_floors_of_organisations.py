"""What is proven of routes' quality, by organisation: evidence of all together proves of none."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"

_ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.drop_table("route_floor_move")
    op.drop_table("route_floor")
    op.create_table(
        "route_floor",
        sa.Column("org", sa.Text, nullable=False),
        sa.Column("route", sa.Text, nullable=False),
        sa.Column("policy", sa.Text, nullable=False),
        sa.Column("floor", sa.Text, nullable=False),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("org", "route", "policy"),
    )
    op.create_table(
        "route_floor_move",
        sa.Column("id", _ID, nullable=False),
        sa.Column("org", sa.Text, nullable=False),
        sa.Column("route", sa.Text, nullable=False),
        sa.Column("policy", sa.Text, nullable=False),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.Column("move", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("route_floor_moves", "route_floor_move", ["org", "route", "id"])
