"""States of things that workflows mirror."""

import sqlalchemy as sa
from alembic import op

revision = "0062"
down_revision = "0061"


def upgrade() -> None:
    op.create_table(
        "workflow_twin",
        *[sa.Column(name, sa.Text, nullable=False) for name in ("org", "twin", "whose")],
        *[sa.Column(name, sa.BigInteger, nullable=False) for name in ("version", "changed_at_ns")],
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("org", "twin", "whose"),
    )
    op.create_index("ix_workflow_twin_changed_at_ns", "workflow_twin", ["changed_at_ns"])
