"""What is told to whom, how it stands, and hours of unusual spend."""

import sqlalchemy as sa
from alembic import op

revision = "0052"
down_revision = "0051"

_TEXTS = ("org", "team", "feature", "kind", "severity", "title", "text", "html", "facts")


def _id() -> sa.types.TypeEngine[str]:
    return sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "notification",
        sa.Column("id", _id(), primary_key=True),
        *[sa.Column(name, sa.Text, nullable=False) for name in _TEXTS],
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.Column("once", sa.Text, nullable=False, unique=True),
    )
    op.create_index("ix_notification_at_ns", "notification", ["at_ns"])
    op.create_table(
        "notification_delivery",
        sa.Column("notification_id", _id(), nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("org", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.BigInteger, nullable=False),
        sa.Column("next_ns", sa.BigInteger, nullable=False),
        sa.Column("sent_at_ns", sa.BigInteger),
        sa.Column("told", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("notification_id", "channel"),
    )
    op.create_index("notification_delivery_due", "notification_delivery", ["state", "next_ns"])
    op.create_table(
        "notification_source",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("position", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "work_claim",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("until_ns", sa.BigInteger, nullable=False),
    )
    _anomalies()


def _anomalies() -> None:
    op.create_table(
        "anomaly",
        sa.Column("id", _id(), primary_key=True),
        *[sa.Column(name, sa.Text, nullable=False) for name in ("org", "team", "feature")],
        *[_number(name) for name in ("first_hour", "last_hour", "found_at_ns", "cost", "expected")],
        sa.Column("z", sa.Double, nullable=False),
        *[_number(name) for name in ("reference_hour", "reference_cost")],
        *[sa.Column(name, sa.Text, nullable=False)
          for name in ("parts", "model", "acknowledged_by")],
        sa.UniqueConstraint("org", "team", "feature", "first_hour", name="anomaly_place"),
    )  # fmt: skip
    op.create_index("ix_anomaly_found_at_ns", "anomaly", ["found_at_ns"])


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)
