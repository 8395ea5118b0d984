"""What agents noted, and calibrations of confidences."""

import sqlalchemy as sa
from alembic import op

revision = "0059"
down_revision = "0058"


def upgrade() -> None:
    op.create_table(
        "agent_note",
        *_texts("org"),
        _id("id"),
        *_texts("workflow", "scope", "whose"),
        _id("run_id"),
        *_texts("end_user"),
        *_numbers("at_ns", "expires_at_ns"),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("org", "id"),
    )
    op.create_index("agent_note_of", "agent_note", ["org", "workflow", "scope", "whose", "at_ns"])
    op.create_index("agent_note_user", "agent_note", ["org", "end_user"])
    op.create_index("ix_agent_note_expires_at_ns", "agent_note", ["expires_at_ns"])
    op.create_table(
        "confidence_calibration",
        *_texts("org", "name"),
        *_numbers("at_ns"),
        *_texts("author", "form", "knots"),
        *_numbers("items", "correct"),
        *[
            sa.Column(name, sa.Double, nullable=False)
            for name in ("ece_stated", "ece", "brier_stated", "brier")
        ],
        *_texts("told"),
        sa.PrimaryKeyConstraint("org", "name"),
    )


def _id(name: str) -> sa.Column[str]:
    byte_by_byte = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    return sa.Column(name, byte_by_byte, nullable=False)


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _numbers(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger, nullable=False) for name in names]
