"""Samples of what rules found, and what people say of them."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"

_ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "guard_sample",
        sa.Column("id", _ID, nullable=False),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.Column("expires_at_ns", sa.BigInteger, nullable=False, index=True),
        sa.Column("text_until_ns", sa.BigInteger, nullable=False, index=True),
        sa.Column("org", sa.Text, nullable=False),
        sa.Column("request_id", _ID, nullable=False),
        sa.Column("end_user", sa.Text, nullable=False),
        *[
            sa.Column(name, sa.Text, nullable=False)
            for name in ("policy", "version", "rule", "label", "detector")
        ],
        *[
            sa.Column(name, sa.Text, nullable=False)
            for name in ("action", "mode", "place", "pointer")
        ],
        sa.Column("first", sa.Integer, nullable=False),
        sa.Column("last", sa.Integer, nullable=False),
        sa.Column("score", sa.Double, nullable=False),
        sa.Column("at_least", sa.Double, nullable=False),
        sa.Column("point", sa.BigInteger, nullable=False),
        sa.Column("judgement", sa.Text, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    of = ["org", "policy", "rule", "label", "judgement", "point"]
    op.create_index("guard_sample_of", "guard_sample", of)
    op.create_index("guard_sample_request", "guard_sample", ["org", "request_id"])
    op.create_index("guard_sample_user", "guard_sample", ["org", "end_user"])
    op.create_table(
        "guard_judgement",
        sa.Column("id", _ID, nullable=False),
        sa.Column("org", sa.Text, nullable=False),
        sa.Column("sample_id", _ID, nullable=False),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("judgement", sa.Text, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("guard_judgement_of", "guard_judgement", ["org", "sample_id", "id"])
