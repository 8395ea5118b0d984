"""Answers that people review, what they said, and how judges agree with them."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

_ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "review_item",
        _text("org"),
        sa.Column("id", _ID, nullable=False),
        *[_text(name) for name in ("judge", "source")],
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("labels_wanted", sa.Integer, nullable=False),
        sa.Column("labels_given", sa.Integer, nullable=False),
        _number("created_at_ns"),
        sa.PrimaryKeyConstraint("org", "id"),
    )
    op.create_index(
        "review_item_open",
        "review_item",
        ["org", "judge", "id"],
        sqlite_where=sa.text("labels_given < labels_wanted"),
        postgresql_where=sa.text("labels_given < labels_wanted"),
    )
    op.create_table(
        "review_claim",
        _text("org"),
        sa.Column("item_id", _ID, nullable=False),
        _text("reviewer"),
        _number("until_ns"),
        sa.PrimaryKeyConstraint("org", "item_id", "reviewer"),
    )
    op.create_table(
        "review_label",
        _text("org"),
        sa.Column("item_id", _ID, nullable=False),
        _text("reviewer"),
        sa.Column("skipped", sa.Boolean, nullable=False),
        _text("levels"),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        _number("at_ns"),
        sa.PrimaryKeyConstraint("org", "item_id", "reviewer"),
    )
    op.create_table(
        "judge_record",
        _text("org"),
        sa.Column("id", _ID, nullable=False),
        *[_text(name) for name in ("judge", "digest", "author")],
        _number("at_ns"),
        _text("record"),
        sa.PrimaryKeyConstraint("org", "id"),
    )
    op.create_index("judge_record_version", "judge_record", ["org", "judge", "digest", "id"])


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)
