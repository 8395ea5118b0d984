"""Objectives, what burns their error budgets, and incidents."""

import sqlalchemy as sa
from alembic import op

revision = "0055"
down_revision = "0054"


def upgrade() -> None:
    op.create_table(
        "objective",
        *_texts("org", "name"),
        _number("version"),
        *_texts("measured"),
        *[_number(name) for name in ("target_ppm", "limit")],
        *_texts("route", "team", "feature"),
        *[_number(name) for name in ("period_days", "events_min")],
        *_texts("runbook", "author"),
        _number("at_ns"),
        sa.Column("retired", sa.Boolean, nullable=False),
        _number("counted_to"),
        sa.PrimaryKeyConstraint("org", "name", "version"),
    )
    op.create_table(
        "objective_count",
        *_texts("org", "name"),
        *[_number(name) for name in ("version", "minutes", "bucket", "total", "bad")],
        sa.PrimaryKeyConstraint("org", "name", "version", "minutes", "bucket"),
        sqlite_with_rowid=False,
    )
    _alerts()
    _incidents()


def _alerts() -> None:
    op.create_table(
        "burn_alert",
        sa.Column("id", _id(), primary_key=True),
        *_texts("org", "team", "feature", "route", "name"),
        _number("version"),
        *_texts("window"),
        sa.Column("pages", sa.Boolean, nullable=False),
        *[_number(name) for name in ("began_at_ns", "opened_at_ns")],
        sa.Column("closed_at_ns", sa.BigInteger),
        *[sa.Column(name, sa.Double, nullable=False) for name in ("burn_long", "burn_short")],
        *[_number(name) for name in ("total", "bad")],
    )
    op.create_index("ix_burn_alert_opened_at_ns", "burn_alert", ["opened_at_ns"])
    op.create_index("burn_alert_objective", "burn_alert", ["org", "name", "window"])


def _incidents() -> None:
    op.create_table(
        "incident",
        sa.Column("id", _id(), primary_key=True),
        *_texts("org", "team", "feature", "source", "subject", "source_id", "severity", "title",
                "cause", "runbook", "state"),
        *[_number(name) for name in ("began_at_ns", "opened_at_ns")],
        sa.Column("acknowledged_at_ns", sa.BigInteger),
        *_texts("acknowledged_by"),
        sa.Column("resolved_at_ns", sa.BigInteger),
        *_texts("resolved_by", "note"),
    )  # fmt: skip
    op.create_index("ix_incident_opened_at_ns", "incident", ["opened_at_ns"])
    op.create_index("incident_source", "incident", ["source", "source_id"])
    op.create_index("incident_state", "incident", ["state", "org"])


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def _id() -> sa.types.TypeEngine[str]:
    return sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
