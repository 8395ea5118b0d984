"""People and machines that sign in, their sessions and tokens."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
_ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("org", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("login", sa.Text, nullable=False, unique=True),
        sa.Column("external", sa.Text, nullable=True, unique=True),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("pseudonym", sa.Text, nullable=False),
        sa.Column("password", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("created_at_ns", sa.BigInteger, nullable=False),
        sa.Column("signed_in_at_ns", sa.BigInteger, nullable=True),
    )
    op.create_index("account_of_org", "account", ["org", "id"])
    op.create_table(
        "account_session",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("id", _ID, nullable=False, unique=True),
        sa.Column("org", sa.Text, nullable=False),
        sa.Column("account_id", _ID, nullable=False, index=True),
        sa.Column("created_at_ns", sa.BigInteger, nullable=False),
        sa.Column("used_at_ns", sa.BigInteger, nullable=False),
        sa.Column("ends_at_ns", sa.BigInteger, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("agent", sa.Text, nullable=False),
        sa.Column("provider", sa.Text, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "account_token",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("digest", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("org", sa.Text, nullable=False),
        sa.Column("account_id", _ID, nullable=False, index=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("permissions", sa.Text, nullable=False),
        sa.Column("created_at_ns", sa.BigInteger, nullable=False),
        sa.Column("expires_at_ns", sa.BigInteger, nullable=False),
        sa.Column("used_at_ns", sa.BigInteger, nullable=True),
        sa.Column("revoked_at_ns", sa.BigInteger, nullable=True),
    )
    _before_anybody_is_known()


def _before_anybody_is_known() -> None:
    op.create_table(
        "account_invitation",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("org", sa.Text, nullable=False),
        sa.Column("account_id", _ID, nullable=False, index=True),
        sa.Column("expires_at_ns", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "sign_in_delay",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("failures", sa.BigInteger, nullable=False),
        sa.Column("failed_at_ns", sa.BigInteger, nullable=False),
        sa.Column("until_ns", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "sign_in_flow",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("expires_at_ns", sa.BigInteger, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
