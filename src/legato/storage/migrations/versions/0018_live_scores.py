"""Scores of live answers, what is watched of them, and the alarms it raised."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

_ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "live_policy",
        *[_text(name) for name in ("org", "policy")],
        _number("cursor"),
        _text("holder"),
        _number("until_ns"),
        sa.PrimaryKeyConstraint("org", "policy"),
    )
    op.create_table(
        "live_score",
        _text("org"),
        sa.Column("id", _ID, nullable=False),
        *[_text(name) for name in ("policy", "scorer")],
        sa.Column("request_id", _ID, nullable=False),
        *[_text(name) for name in ("versions", "deployment")],
        _number("at_ns"),
        sa.Column("value", sa.Double),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("cost", sa.BigInteger, nullable=True),
        _number("scored_at_ns"),
        sa.PrimaryKeyConstraint("org", "id"),
    )
    names = ["org", "policy", "scorer", "request_id"]
    op.create_index("live_score_request", "live_score", names, unique=True)
    op.create_index("live_score_time", "live_score", ["org", "policy", "scored_at_ns"])
    op.create_table(
        "score_watch",
        *[_text(name) for name in ("org", "policy", "scorer", "versions", "watch")],
        sa.PrimaryKeyConstraint("org", "policy", "scorer", "versions"),
    )
    op.create_table(
        "drift_alarm",
        _text("org"),
        sa.Column("id", _ID, nullable=False),
        *[_text(name) for name in ("policy", "scorer", "versions")],
        _number("at_ns"),
        *[_text(name) for name in ("evidence", "acknowledged_by")],
        sa.PrimaryKeyConstraint("org", "id"),
    )


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)
