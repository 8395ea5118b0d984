"""On which day each user and each run spent last: empty until the next entries are summed."""

import sqlalchemy as sa
from alembic import op

revision = "0072"
down_revision = "0071"


def upgrade() -> None:
    for name, whose in (
        ("user_last_day", ("org", "end_user")),
        ("run_last_day", ("org", "run")),
    ):
        op.create_table(
            name,
            *[sa.Column(one, sa.Text, nullable=False) for one in whose],
            sa.Column("bucket", sa.BigInteger, nullable=False),
            sa.PrimaryKeyConstraint(*whose),
            sqlite_with_rowid=False,
        )
        op.create_index(f"{name}_bucket", name, ["bucket", *whose])
