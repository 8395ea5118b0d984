"""What was revoked or erased, in a list that outlives a restored backup."""

import sqlalchemy as sa
from alembic import op

revision = "0053"
down_revision = "0052"

_ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_ROW = sa.BigInteger().with_variant(sa.Integer, "sqlite")
# what an older version revoked and erased: a copy begins with it
_KNOWN = {
    "api_key": ("'key', org, id, revoked_at_ns", "revoked_by = 'operator'"),
    "account_token": ("'token', org, id, revoked_at_ns", "revoked_at_ns IS NOT NULL"),
    "account": ("'account', org, id, 0", "state = 'disabled'"),
    "erasure": ("'user', org, end_user, at_ns", "end_user <> ''"),
    "destroyed_data_key": ("'data_key', org, id, destroyed_at_ns", "1 = 1"),
}


def upgrade() -> None:
    op.create_table(
        "tombstone",
        sa.Column("id", _ROW, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("org", sa.Text, nullable=False),
        sa.Column("subject", _ID, nullable=False),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.Column("until_ns", sa.BigInteger, nullable=False),
        sa.Column("lifted", sa.Boolean, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "tombstone_copy",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("batches", sa.BigInteger, nullable=False),
        sa.Column("head", sa.LargeBinary, nullable=False),
        sa.Column("last_id", sa.BigInteger, nullable=False),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.Column("told", sa.Text, nullable=False),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("held_until_ns", sa.BigInteger, nullable=False),
    )
    for table, (columns, where) in _KNOWN.items():
        _take_over(f"SELECT {columns}, 0, FALSE FROM {table} WHERE {where}")  # noqa: S608 - ours
    _take_over(
        "SELECT 'request', org, request_id, at_ns, 0, FALSE FROM erasure WHERE request_id <> ''"
    )


def _take_over(rows: str) -> None:
    op.execute(f"INSERT INTO tombstone (kind, org, subject, at_ns, until_ns, lifted) {rows}")
