"""What KPIs are made of. The sums by hour and day count more, so they are made anew."""

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0045"

_GUARD = ("org", "team", "feature", "policy", "rule", "label", "action", "mode")


def upgrade() -> None:
    for table in ("spend_hour", "spend_day"):
        op.execute(f"DELETE FROM {table}")  # noqa: S608 - ours
        for name in ("cheaper", "removed_tokens"):
            column = sa.Column(name, sa.BigInteger, nullable=False, server_default="0")
            op.add_column(table, column)
    op.execute("UPDATE rollup_mark SET entry_id = 0 WHERE name = 'spend'")
    op.create_table(
        "guard_day",
        sa.Column("bucket", sa.BigInteger, nullable=False),
        *[sa.Column(name, sa.Text, nullable=False) for name in _GUARD],
        sa.Column("requests", sa.BigInteger, nullable=False),
        sa.Column("finds", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("bucket", *_GUARD),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "kpi_goal",
        *[sa.Column(name, sa.Text, nullable=False) for name in ("org", "kpi", "team", "feature")],
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("baseline", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("since_day", sa.BigInteger, nullable=True),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("org", "kpi", "team", "feature", "version"),
    )
    op.create_table(
        "contract_baseline",
        sa.Column("org", sa.Text, nullable=False),
        sa.Column(
            "id", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False
        ),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.Column("note", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("org", "id"),
    )
