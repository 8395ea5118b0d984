"""Data sets, and evaluations of versions and models over them."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

_ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "dataset_block",
        _text("org"),
        _text("cases_digest"),
        _number("number"),
        _number("cases"),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("org", "cases_digest", "number"),
    )
    op.create_table(
        "evaluation",
        _text("org"),
        sa.Column("id", _ID, nullable=False),
        *[_text(name) for name in ("key_id", "author", "name", "status", "told")],
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        *[_number(name) for name in ("answers", "done", "failed", "cost")],
        sa.Column("cost_max", sa.BigInteger, nullable=True),
        *[_number(name) for name in ("round", "created_at_ns")],
        sa.Column("ended_at_ns", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("org", "id"),
    )
    op.create_index("evaluation_status", "evaluation", ["status"])
    op.create_index("ix_evaluation_ended_at_ns", "evaluation", ["ended_at_ns"])
    op.create_table(
        "evaluation_answer",
        _text("org"),
        sa.Column("evaluation_id", _ID, nullable=False),
        *[
            sa.Column(name, sa.Integer, nullable=False)
            for name in ("case_number", "subject", "repetition")
        ],
        _text("case_id"),
        sa.Column("weight", sa.Double, nullable=False),
        sa.Column("request_id", _ID, nullable=False),
        _text("error"),
        *[sa.Column(name, sa.BigInteger, nullable=True) for name in ("cost", "scoring_cost")],
        _number("latency_us"),
        _text("scores"),
        sa.Column("scored", sa.Boolean, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        _number("at_ns"),
        sa.PrimaryKeyConstraint("org", "evaluation_id", "case_number", "subject", "repetition"),
    )


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)
