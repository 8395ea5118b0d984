"""Assumptions, and rows of labour, revenue and benefits."""

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"


def upgrade() -> None:
    op.create_table(
        "assumption",
        *_texts("org", "name"),
        _number("version"),
        *_texts("tag", "unit", "value", "low", "high", "source", "valid_from", "author"),
        _number("at_ns"),
        sa.PrimaryKeyConstraint("org", "name", "version"),
    )
    _entries(
        "labour_entry",
        *_texts("role", "phase", "activity"),
        _number("hours_milli"),
        _number("usd_per_hour"),
    )
    _entries(
        "revenue_entry",
        *_texts("currency"),
        _number("amount"),
        *_texts("usd_rate", "rate_source"),
    )
    _entries(
        "benefit_entry",
        *_texts("benefit"),
        _number("quantity_milli"),
        _number("usd_each"),
        *_texts("tag"),
    )


def _entries(name: str, *own: "sa.Column[int] | sa.Column[str]") -> None:
    ids = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.create_table(
        name,
        sa.Column("id", ids, primary_key=True),
        *_texts("org", "team", "feature", "period"),
        *own,
        _number("usd"),
        *_texts("source", "external_id", "author"),
        _number("at_ns"),
        sa.UniqueConstraint("org", "external_id", name=f"{name}_external"),
    )
    op.create_index(f"{name}_period", name, ["org", "period"])


def _texts(*names: str) -> "list[sa.Column[str]]":
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _number(name: str) -> "sa.Column[int]":
    return sa.Column(name, sa.BigInteger, nullable=False)
