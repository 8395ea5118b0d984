"""Captured requests, and the users whose captures were erased."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "capture",
        sa.Column("id", _ROW_ID, primary_key=True),
        sa.Column("request_id", _ID, nullable=False),
        _number("at_ns"),
        _number("expires_at_ns"),
        *[_text(name) for name in ("org", "team", "feature", "key_id", "end_user", "tags")],
        *[_text(name) for name in ("surface", "model_requested", "route", "deployment")],
        *[_text(name) for name in ("model_served", "versions", "arm")],
        sa.Column("http_status", sa.Integer, nullable=False),
        _text("error_code"),
        sa.Column("stream", sa.Boolean, nullable=False),
        _text("cache"),
        sa.Column("cost", sa.BigInteger, nullable=True),
        sa.Column("baseline_cost", sa.BigInteger, nullable=True),
        *[_number(name) for name in ("input_tokens", "output_tokens", "total_us")],
        sa.Column("point", sa.Integer, nullable=False),
        _number("content_bytes"),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("org", "request_id", name="capture_request"),
        sqlite_autoincrement=True,
    )
    op.create_index("capture_org", "capture", ["org", "id"])
    op.create_index("capture_user", "capture", ["org", "end_user"])
    op.create_index("ix_capture_expires_at_ns", "capture", ["expires_at_ns"])
    op.create_table(
        "capture_erasure",
        _text("org"),
        _text("end_user"),
        _number("at_ns"),
        sa.PrimaryKeyConstraint("org", "end_user"),
    )
    op.create_index("ix_capture_erasure_at_ns", "capture_erasure", ["at_ns"])


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)
