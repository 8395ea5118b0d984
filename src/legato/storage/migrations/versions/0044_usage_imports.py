"""Usage that other reports tell of: files taken in, and sums over their lines."""

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"

_TEXTS = (
    "org", "import_id", "source", "vendor", "account", "project", "key", "model", "service", "sku",
    "region", "tier", "unit", "currency", "charge", "invoice", "tags", "quantity", "alike",
)  # fmt: skip
_NUMBERS = (
    "start_ns", "end_ns", "lines", "costed", "counted", "requests", "cost", "in_uncached",
    "cache_read", "cache_write_5m", "cache_write_1h", "out_text", "reasoning", "audio_in",
    "audio_out", "image_in", "image_out",
)  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "usage_import",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("org", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.Column("start_ns", sa.BigInteger, nullable=False),
        sa.Column("end_ns", sa.BigInteger, nullable=False),
        sa.Column("lines", sa.BigInteger, nullable=False),
        sa.Column("skipped", sa.BigInteger, nullable=False),
        sa.Column("bad", sa.BigInteger, nullable=False),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("calls", sa.BigInteger, nullable=False),
        sa.Column("problems", sa.Text, nullable=False),
        sa.Column("repeats", sa.Text, nullable=False),
        sa.UniqueConstraint("org", "digest", name="usage_import_once"),
    )
    op.create_table(
        "imported_usage",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in _TEXTS),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in _NUMBERS),
        sa.Column("list_cost", sa.BigInteger, nullable=True),
        sa.Column("amortised_cost", sa.BigInteger, nullable=True),
    )
    op.create_index("imported_usage_import", "imported_usage", ["import_id"])
    op.create_index("imported_usage_alike", "imported_usage", ["org", "alike"])
    op.create_index("imported_usage_time", "imported_usage", ["org", "start_ns"])
