"""Whether a guardrail fired in a request of a rollout's arm."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    op.add_column("arm_outcome", sa.Column("triggered", sa.Boolean, nullable=True))
