"""The first tables."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_row_id = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_id = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    _organisation()
    _team()
    _feature()
    _data_key()
    _credential()
    _idempotent_call()
    _api_key()
    _journal_alarm()
    _journal_offset()
    _ledger_entry()
    _limit_window()
    _migration_marker()
    _open_intent()
    _open_progress()
    _price_version()
    _store_version()
    _trace_block()
    _voided_attempt()
    _api_key_secret()
    _limit_lease()


def _organisation() -> None:
    op.create_table("organisation", *_named(), sa.UniqueConstraint("name"))


def _team() -> None:
    op.create_table(
        "team",
        *_named(),
        sa.Column("org", sa.Text, sa.ForeignKey("organisation.name"), nullable=False),
        sa.UniqueConstraint("org", "name", name="team_name"),
    )


def _feature() -> None:
    op.create_table(
        "feature",
        *_named(),
        sa.Column("org", sa.Text, nullable=False),
        sa.Column("team", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["org", "team"], ["team.org", "team.name"]),
        sa.UniqueConstraint("org", "team", "name", name="feature_name"),
    )


def _named() -> list[sa.Column[Any]]:
    return [
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("created_at_ns", sa.BigInteger, nullable=False),
    ]


def _data_key() -> None:
    op.create_table(
        "data_key",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("org", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("master_id", sa.Text, nullable=False),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
        sa.Column("created_at_ns", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("org", "version", name="data_key_version"),
    )


def _credential() -> None:
    op.create_table(
        "credential",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("changed_at_ns", sa.BigInteger, nullable=False),
    )


def _idempotent_call() -> None:
    op.create_table(
        "idempotent_call",
        sa.Column("org", sa.Text, nullable=False),
        sa.Column("key_id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("request_digest", sa.LargeBinary, nullable=False),
        sa.Column("answer", sa.LargeBinary),
        sa.Column("at_ns", sa.BigInteger, nullable=False, index=True),
        sa.PrimaryKeyConstraint("org", "key_id", "name"),
    )


def _api_key() -> None:
    op.create_table(
        "api_key",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("org", sa.Text, nullable=False),
        sa.Column("team", sa.Text, nullable=False),
        sa.Column("feature", sa.Text, nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("models", sa.Text, nullable=False),
        sa.Column("tags", sa.Text, nullable=False),
        sa.Column("requests_per_minute", sa.BigInteger),
        sa.Column("concurrency_max", sa.BigInteger),
        sa.Column("budget_limit", sa.BigInteger),
        sa.Column("budget_window", sa.Text),
        sa.Column("created_at_ns", sa.BigInteger, nullable=False),
        sa.Column("expires_at_ns", sa.BigInteger),
        sa.Column("revoked_at_ns", sa.BigInteger),
        sa.Column("revoked_by", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(
            ["org", "team", "feature"], ["feature.org", "feature.team", "feature.name"]
        ),
    )
    op.create_index(
        "api_key_name_in_force",
        "api_key",
        ["name"],
        unique=True,
        sqlite_where=sa.text("revoked_at_ns IS NULL"),
        postgresql_where=sa.text("revoked_at_ns IS NULL"),
    )


def _journal_alarm() -> None:
    op.create_table(
        "journal_alarm",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("segment", sa.Text, nullable=False),
        sa.Column("segment_offset", sa.BigInteger, nullable=False),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
    )


def _journal_offset() -> None:
    op.create_table(
        "journal_offset",
        sa.Column("segment", sa.Text, primary_key=True),
        sa.Column("committed", sa.BigInteger, nullable=False),
    )


def _ledger_entry() -> None:
    op.create_table(
        "ledger_entry",
        sa.Column("id", _row_id, primary_key=True),
        *_facts(),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.Column("period", sa.Text, nullable=False),
        sa.Column("in_uncached", sa.BigInteger, nullable=False),
        sa.Column("cache_read", sa.BigInteger, nullable=False),
        sa.Column("cache_write_5m", sa.BigInteger, nullable=False),
        sa.Column("cache_write_1h", sa.BigInteger, nullable=False),
        sa.Column("out_text", sa.BigInteger, nullable=False),
        sa.Column("reasoning", sa.BigInteger, nullable=False),
        sa.Column("audio_in", sa.BigInteger, nullable=False),
        sa.Column("audio_out", sa.BigInteger, nullable=False),
        sa.Column("image_in", sa.BigInteger, nullable=False),
        sa.Column("image_out", sa.BigInteger, nullable=False),
        sa.Column("units", sa.BigInteger, nullable=False),
        sa.Column("usage_source", sa.Text, nullable=False),
        sa.Column("cost", sa.BigInteger),
        sa.Column("baseline_cost", sa.BigInteger),
        sa.Column("model_served", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("http_status", sa.Integer, nullable=False),
        sa.Column("total_us", sa.BigInteger, nullable=False),
        sa.Column("first_token_us", sa.BigInteger, nullable=False),
        sa.Column("gateway_us", sa.BigInteger, nullable=False),
        sa.Column("budget_id", sa.Text, nullable=False),
        sa.Column("budget_at_ns", sa.BigInteger, nullable=False),
        sa.Column("original_at_ns", sa.BigInteger),
        sa.Column("reverses_entry", sa.BigInteger),
        sa.Column("provisional", sa.Boolean, nullable=False),
        sa.UniqueConstraint("request_id", "attempt", "kind", "seq", name="ledger_entry_identity"),
    )
    op.create_index("ledger_entry_at", "ledger_entry", ["at_ns"])
    op.create_index(
        "ledger_entry_budget",
        "ledger_entry",
        ["budget_id", "budget_at_ns"],
        sqlite_where=sa.text("budget_id <> ''"),
        postgresql_where=sa.text("budget_id <> ''"),
    )
    op.create_index(
        "ledger_entry_reverses",
        "ledger_entry",
        ["reverses_entry"],
        sqlite_where=sa.text("reverses_entry IS NOT NULL"),
        postgresql_where=sa.text("reverses_entry IS NOT NULL"),
    )


def _facts() -> list[sa.Column[str] | sa.Column[int]]:
    return [
        sa.Column("request_id", _id, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("org", sa.Text, nullable=False),
        sa.Column("team", sa.Text, nullable=False),
        sa.Column("feature", sa.Text, nullable=False),
        sa.Column("key_id", sa.Text, nullable=False),
        sa.Column("end_user", sa.Text, nullable=False),
        sa.Column("tags", sa.Text, nullable=False),
        sa.Column("model_requested", sa.Text, nullable=False),
        sa.Column("route", sa.Text, nullable=False),
        sa.Column("deployment", sa.Text, nullable=False),
        sa.Column("provider", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("region", sa.Text, nullable=False),
        sa.Column("price_version", sa.Text, nullable=False),
        sa.Column("baseline_model", sa.Text, nullable=False),
        sa.Column("config_version", sa.Text, nullable=False),
    ]


def _limit_window() -> None:
    op.create_table(
        "limit_window",
        sa.Column("id", _row_id, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("limit_id", sa.Text, nullable=False),
        sa.Column("span", sa.Text, nullable=False),
        sa.Column("start_ns", sa.BigInteger, nullable=False),
        sa.Column("end_ns", sa.BigInteger, nullable=False),
        sa.Column("settled", sa.BigInteger, nullable=False),
        sa.Column("leased", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("kind", "limit_id", "span", "start_ns", name="limit_window_identity"),
    )


def _migration_marker() -> None:
    op.create_table(
        "migration_marker",
        sa.Column("to_version", sa.Text, primary_key=True),
        sa.Column("from_version", sa.Text, nullable=False),
        sa.Column("backup", sa.Text, nullable=False),
    )


def _open_intent() -> None:
    op.create_table(
        "open_intent",
        sa.Column("request_id", _id, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("writer", sa.Text, nullable=False),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("request_id", "attempt"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_open_intent_writer", "open_intent", ["writer"])


def _open_progress() -> None:
    op.create_table(
        "open_progress",
        sa.Column("request_id", _id, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("writer", sa.Text, nullable=False),
        sa.Column("tokens", sa.BigInteger, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("request_id", "attempt"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_open_progress_writer", "open_progress", ["writer"])


def _price_version() -> None:
    op.create_table(
        "price_version",
        sa.Column("deployment", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("valid_from_ns", sa.BigInteger, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("price", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("deployment", "version"),
    )


def _store_version() -> None:
    op.create_table(
        "store_version",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("version", sa.BigInteger, nullable=False),
    )


def _trace_block() -> None:
    op.create_table(
        "trace_block",
        sa.Column("id", _row_id, primary_key=True),
        sa.Column("segment", sa.Text, nullable=False),
        sa.Column("committed", sa.BigInteger, nullable=False),
        sa.Column("org", sa.Text, nullable=False),
        sa.Column("first_at_ns", sa.BigInteger, nullable=False),
        sa.Column("last_at_ns", sa.BigInteger, nullable=False),
        sa.Column("first_id", _id, nullable=False),
        sa.Column("last_id", _id, nullable=False),
        sa.Column("requests", sa.Integer, nullable=False),
        sa.Column("records", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_trace_block_last_at_ns", "trace_block", ["last_at_ns"])
    op.create_index("trace_block_place", "trace_block", ["segment", "committed"])


def _voided_attempt() -> None:
    op.create_table(
        "voided_attempt",
        sa.Column("request_id", _id, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("request_id", "attempt"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_voided_attempt_at_ns", "voided_attempt", ["at_ns"])


def _api_key_secret() -> None:
    op.create_table(
        "api_key_secret",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("key_id", sa.Text, sa.ForeignKey("api_key.id"), nullable=False),
        sa.Column("valid_until_ns", sa.BigInteger),
    )
    op.create_index("ix_api_key_secret_key_id", "api_key_secret", ["key_id"])


def _limit_lease() -> None:
    op.create_table(
        "limit_lease",
        sa.Column(
            "window_id",
            _row_id,
            sa.ForeignKey("limit_window.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("window_id", "holder"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_limit_lease_holder", "limit_lease", ["holder"])
