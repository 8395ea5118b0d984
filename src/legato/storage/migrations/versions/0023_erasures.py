"""Erasures, destroyed data keys, and where copied content comes from."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"

_ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_ORIGINS = {
    "evaluation_answer": ("origin_request", "origin_user"),
    "review_item": ("origin_request", "origin_user"),
    "stored_response": ("request_id", "end_user"),
}


def upgrade() -> None:
    op.create_table(
        "erasure",
        _text("org"),
        sa.Column("id", _ID, nullable=False),
        _text("author"),
        _text("end_user"),
        sa.Column("request_id", _ID, nullable=False),
        _text("counts"),
        _number("at_ns"),
        sa.Column("ended_at_ns", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("org", "id"),
    )
    op.create_index("erasure_subject", "erasure", ["org", "end_user", "request_id"])
    op.create_table(
        "erased_request",
        _text("org"),
        sa.Column("request_id", _ID, nullable=False),
        _number("at_ns"),
        sa.PrimaryKeyConstraint("org", "request_id"),
    )
    op.create_index("erased_request_time", "erased_request", ["at_ns"])
    op.create_table(
        "destroyed_data_key",
        *[_text(name) for name in ("org", "id")],
        _number("version"),
        _text("author"),
        _number("destroyed_at_ns"),
        sa.PrimaryKeyConstraint("org", "id"),
        sa.UniqueConstraint("org", "version", name="destroyed_data_key_version"),
    )
    for table, names in _ORIGINS.items():
        for name in names:
            op.add_column(table, sa.Column(name, sa.Text, nullable=False, server_default=""))
    for name in ("created_at_ns", "erased"):
        op.add_column(
            "dataset_block", sa.Column(name, sa.BigInteger, nullable=False, server_default="0")
        )
    op.add_column(
        "dataset_block",
        sa.Column("traffic", sa.Boolean, nullable=False, server_default=sa.false()),
    )


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)
