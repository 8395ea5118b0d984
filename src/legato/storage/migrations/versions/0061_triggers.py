"""What begins runs by itself: who listens, what was heard, what became no run."""

import sqlalchemy as sa
from alembic import op

revision = "0061"
down_revision = "0060"


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _numbers(*names: str, nullable: bool = False) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger, nullable=nullable) for name in names]


def _id(name: str) -> sa.Column[str]:
    byte_by_byte = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    return sa.Column(name, byte_by_byte, nullable=False)


def upgrade() -> None:
    op.create_table(
        "trigger_state",
        *_texts("org", "workflow", "name"),
        sa.Column("paused", sa.Boolean, nullable=False),
        *_texts("holder"),
        *_numbers("until_ns", "fired_ns"),
        *_numbers("received", "started", "duplicates", "passed_over", "dead"),
        *_numbers("heard_ns", "lag_ns", nullable=True),
        *_texts("trouble"),
        *_numbers("trouble_ns", nullable=True),
        sa.PrimaryKeyConstraint("org", "workflow", "name"),
    )
    op.create_table(
        "trigger_event",
        *_texts("org", "workflow", "name"),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        *_texts("run_id"),
        sa.Column("settled", sa.Boolean, nullable=False),
        *_numbers("at_ns"),
        sa.PrimaryKeyConstraint("org", "workflow", "name", "digest"),
    )
    op.create_index("ix_trigger_event_at_ns", "trigger_event", ["at_ns"])
    op.create_table(
        "trigger_letter",
        *_texts("org"),
        _id("id"),
        *_texts("workflow", "name", "reason", "state", "run_id"),
        *_numbers("attempts"),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        *_numbers("at_ns"),
        *_numbers("ended_at_ns", nullable=True),
        sa.PrimaryKeyConstraint("org", "id"),
    )
    op.create_index("trigger_letter_state", "trigger_letter", ["org", "state", "id"])
