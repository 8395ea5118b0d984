"""Reports that come by themselves, and what was made of them."""

import sqlalchemy as sa
from alembic import op

revision = "0060"
down_revision = "0059"


def upgrade() -> None:
    op.create_table(
        "report_schedule",
        sa.Column("id", _id(), primary_key=True),
        *_texts("org", "name", "kind", "form", "cron", "time_zone", "span", "channels", "currency"),
        _number("next_ns"),
        *_texts("author"),
        _number("at_ns"),
        sa.Column("removed_at_ns", sa.BigInteger),
    )
    op.create_index("report_schedule_due", "report_schedule", ["next_ns"])
    op.create_table(
        "report_run",
        sa.Column("id", _id(), primary_key=True),
        *_texts("org"),
        sa.Column("schedule_id", _id(), nullable=False),
        _number("due_ns"),
        *_texts("period"),
        _number("made_ns"),
        *_texts("digest"),
        sa.Column("event", sa.BigInteger),
        _number("size"),
        *_texts("told"),
        sa.Column("document", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("schedule_id", "due_ns", name="report_run_due"),
    )
    op.create_index("report_run_made", "report_run", ["made_ns"])


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def _id() -> sa.types.TypeEngine[str]:
    return sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
