"""Sums over the ledger by hour and by day, which begin empty: what is there is taken in later."""

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"

_DIMENSIONS = (
    "org", "team", "feature", "key_id", "route", "deployment", "provider", "model", "region",
    "kind", "outcome", "arm",
)  # fmt: skip
_COUNTS = ("entries", "requests", "attempts", "unpriced", "provisional")
_STEPS = ("cache", "shortening", "routing", "prompt_cache", "tier", "overhead")
_TOKENS = (
    "in_uncached", "cache_read", "cache_write_5m", "cache_write_1h", "out_text", "reasoning",
    "audio_in", "audio_out", "image_in", "image_out", "units",
)  # fmt: skip
_BOUNDS = (10, 25, 50, 100, 200, 350, 500, 750, 1_000, 1_500, 2_500, 5_000, 10_000, 30_000)
_MEASURES = (
    *_COUNTS,
    "cost",
    "baseline_cost",
    *[f"step_{name}" for name in _STEPS],
    *_TOKENS,
    *("total_us", "first_token_us", "gateway_us"),
    *[f"under_{bound}_ms" for bound in _BOUNDS],
)
_OF_USERS = (*_COUNTS, "cost", "baseline_cost", "input_tokens", "output_tokens")


def upgrade() -> None:
    for name, dimensions, measures in (
        ("spend_hour", _DIMENSIONS, _MEASURES),
        ("spend_day", _DIMENSIONS, _MEASURES),
        ("spend_user_day", ("org", "team", "feature", "end_user"), _OF_USERS),
    ):
        op.create_table(
            name,
            sa.Column("bucket", sa.BigInteger, nullable=False),
            *[sa.Column(one, sa.Text, nullable=False) for one in dimensions],
            *[sa.Column(one, sa.BigInteger, nullable=False) for one in measures],
            sa.PrimaryKeyConstraint("bucket", *dimensions),
            sqlite_with_rowid=False,
        )
    op.create_table(
        "rollup_mark",
        sa.Column(
            "name", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), primary_key=True
        ),
        sa.Column("entry_id", sa.BigInteger, nullable=False),
        sa.Column("kept_from", sa.BigInteger, nullable=False),
    )
