"""Every table we own, as it stands at `SCHEMA_VERSION`. Times are ns since the epoch.

The migrations make these tables; a test compares the two. Amounts are nano-USD in int64,
NULL where a deployment had no price.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from legato.core.usage import USAGE_CLASSES

SCHEMA_VERSION: Final = "0005"

metadata: Final = MetaData()

# SQLite numbers rows by itself only where the type is exactly INTEGER.
_RowId = BigInteger().with_variant(Integer, "sqlite")


# Ids are compared byte by byte on both: `newest_ids` relies on one order of theirs.
_Id = Text().with_variant(Text(collation="C"), "postgresql")


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _number(name: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable)


migration_marker = Table(
    "migration_marker",
    metadata,
    Column("to_version", Text, primary_key=True),
    _text("from_version"),
    _text("backup"),  # file name of the copy made before, "" without one
)

store_version = Table(
    "store_version",
    metadata,
    Column("name", Text, primary_key=True),
    _number("version"),
)

# Whose spend it is. The tenant is the organisation; every table with rows of tenants has its
# name in a column `org`. Names stand in the ledger and never change; titles may.
organisation = Table(
    "organisation",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    _text("title"),
    _number("version"),
    _number("created_at_ns"),
)

team = Table(
    "team",
    metadata,
    Column("id", Text, primary_key=True),
    Column("org", Text, ForeignKey("organisation.name"), nullable=False),
    _text("name"),
    _text("title"),
    _number("version"),
    _number("created_at_ns"),
    UniqueConstraint("org", "name", name="team_name"),
)

feature = Table(
    "feature",
    metadata,
    Column("id", Text, primary_key=True),
    _text("org"),
    _text("team"),
    _text("name"),
    _text("title"),
    _number("version"),
    _number("created_at_ns"),
    ForeignKeyConstraint(["org", "team"], ["team.org", "team.name"]),
    UniqueConstraint("org", "team", "name", name="feature_name"),
)

# Keys that encrypt data, themselves encrypted under a master key that is not in the database.
data_key = Table(
    "data_key",
    metadata,
    Column("id", Text, primary_key=True),
    _text("org"),  # "" for the instance's own
    _number("version"),
    _text("master_id"),
    Column("wrapped", LargeBinary, nullable=False),
    _number("created_at_ns"),
    UniqueConstraint("org", "version", name="data_key_version"),
)

# Secrets of providers, sealed. They are the instance's: providers belong to no tenant.
credential = Table(
    "credential",
    metadata,
    Column("name", Text, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    _number("version"),
    _number("changed_at_ns"),
)

# What a POST with an idempotency key answered, sealed; NULL while it runs.
idempotent_call = Table(
    "idempotent_call",
    metadata,
    _text("org"),
    _text("key_id"),
    _text("name"),
    Column("request_digest", LargeBinary, nullable=False),
    Column("answer", LargeBinary),
    Column("at_ns", BigInteger, nullable=False, index=True),
    PrimaryKeyConstraint("org", "key_id", "name"),
)

api_key = Table(
    "api_key",
    metadata,
    Column("id", Text, primary_key=True),
    _text("name"),
    _text("org"),
    _text("team"),
    _text("feature"),
    _text("scopes"),  # JSON array, as models
    _text("models"),
    _text("tags"),  # JSON object
    _number("requests_per_minute", nullable=True),
    _number("concurrency_max", nullable=True),
    _number("budget_limit", nullable=True),
    Column("budget_window", Text),
    _number("created_at_ns"),
    _number("expires_at_ns", nullable=True),
    _number("revoked_at_ns", nullable=True),
    _text("revoked_by"),  # "", operator, config
    _text("source"),  # api, config
    Column("require", Text),  # JSON object
    ForeignKeyConstraint(
        ["org", "team", "feature"], ["feature.org", "feature.team", "feature.name"]
    ),
    Index("api_key_name_in_force", "name", unique=True,
          sqlite_where=text("revoked_at_ns IS NULL"),
          postgresql_where=text("revoked_at_ns IS NULL")),
)  # fmt: skip

api_key_secret = Table(
    "api_key_secret",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("key_id", Text, ForeignKey("api_key.id"), nullable=False, index=True),
    _number("valid_until_ns", nullable=True),
)

ledger_entry = Table(
    "ledger_entry",
    metadata,
    Column("id", _RowId, primary_key=True),
    # The facts, in the order of core.records.Facts: rows are built by position.
    Column("request_id", _Id, nullable=False),
    Column("attempt", Integer, nullable=False),
    _text("org"),
    _text("team"),
    _text("feature"),
    _text("key_id"),
    _text("end_user"),
    _text("tags"),  # JSON object
    _text("model_requested"),
    _text("route"),
    _text("deployment"),
    _text("provider"),
    _text("model"),
    _text("region"),
    _text("price_version"),
    _text("baseline_model"),
    _text("config_version"),
    _text("kind"),
    Column("seq", Integer, nullable=False),
    _number("at_ns"),
    _text("period"),
    *[_number(name) for name in USAGE_CLASSES],
    _text("usage_source"),
    _number("cost", nullable=True),
    _number("baseline_cost", nullable=True),
    _text("model_served"),
    _text("status"),
    Column("http_status", Integer, nullable=False),
    _number("total_us"),
    _number("first_token_us"),
    _number("gateway_us"),
    _text("budget_id"),
    _number("budget_at_ns"),  # decides the budget window: when the hold was taken
    _number("original_at_ns", nullable=True),  # of a correction or replacement: when it happened
    _number("reverses_entry", nullable=True),
    Column("provisional", Boolean, nullable=False),
    UniqueConstraint("request_id", "attempt", "kind", "seq", name="ledger_entry_identity"),
    Index("ledger_entry_at", "at_ns"),
    Index("ledger_entry_budget", "budget_id", "budget_at_ns",
          sqlite_where=text("budget_id <> ''"), postgresql_where=text("budget_id <> ''")),
    Index("ledger_entry_reverses", "reverses_entry",
          sqlite_where=text("reverses_entry IS NOT NULL"),
          postgresql_where=text("reverses_entry IS NOT NULL")),
)  # fmt: skip

# Attempts still under way. The records stay encoded: most rows live for one batch only.
open_intent = Table(
    "open_intent",
    metadata,
    Column("request_id", _Id, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("writer", Text, nullable=False, index=True),
    _number("at_ns"),
    Column("payload", LargeBinary, nullable=False),
    PrimaryKeyConstraint("request_id", "attempt"),
    sqlite_with_rowid=False,
)

open_progress = Table(
    "open_progress",
    metadata,
    Column("request_id", _Id, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("writer", Text, nullable=False, index=True),
    _number("tokens"),
    Column("payload", LargeBinary, nullable=False),
    PrimaryKeyConstraint("request_id", "attempt"),
    sqlite_with_rowid=False,
)

# An attempt that ended without an entry, so that a replayed intent does not open it again.
voided_attempt = Table(
    "voided_attempt",
    metadata,
    Column("request_id", _Id, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("at_ns", BigInteger, nullable=False, index=True),
    _text("reason"),
    PrimaryKeyConstraint("request_id", "attempt"),
    sqlite_with_rowid=False,
)

journal_offset = Table(
    "journal_offset",
    metadata,
    Column("segment", Text, primary_key=True),
    _number("committed"),
)

journal_alarm = Table(
    "journal_alarm",
    metadata,
    Column("digest", Text, primary_key=True),
    _text("segment"),
    _number("segment_offset"),  # end of the batch it came in
    _number("at_ns"),
    _text("reason"),
    Column("payload", LargeBinary, nullable=False),
)

# Finished requests, many a row: see trace_blocks.
trace_block = Table(
    "trace_block",
    metadata,
    Column("id", _RowId, primary_key=True),
    _text("segment"),
    _number("committed"),  # end of the batch it came in
    _text("org"),
    _number("first_at_ns"),
    Column("last_at_ns", BigInteger, nullable=False, index=True),
    Column("first_id", _Id, nullable=False),
    Column("last_id", _Id, nullable=False),
    Column("requests", Integer, nullable=False),
    Column("records", LargeBinary, nullable=False),  # msgpack: an array of Served
    Index("trace_block_place", "segment", "committed"),
)

# One counter per limit and window: money budgets, request rates, concurrency slots.
limit_window = Table(
    "limit_window",
    metadata,
    Column("id", _RowId, primary_key=True),
    _text("kind"),
    _text("limit_id"),
    _text("span"),  # day, week, month, total, or seconds of a rate
    _number("start_ns"),
    _number("end_ns"),
    _number("settled"),
    _number("leased"),
    UniqueConstraint("kind", "limit_id", "span", "start_ns", name="limit_window_identity"),
)

limit_lease = Table(
    "limit_lease",
    metadata,
    Column("window_id", _RowId, ForeignKey("limit_window.id", ondelete="CASCADE"), nullable=False),
    Column("holder", Text, nullable=False, index=True),
    _number("amount"),
    PrimaryKeyConstraint("window_id", "holder"),
    sqlite_with_rowid=False,
)

price_version = Table(
    "price_version",
    metadata,
    _text("deployment"),
    _text("version"),
    _number("valid_from_ns"),
    _text("source"),
    _text("price"),  # JSON of core.price.Price
    PrimaryKeyConstraint("deployment", "version"),
)

# Kept as long as it goes on, and a retention after that.
response_conversation = Table(
    "response_conversation",
    metadata,
    _text("org"),
    _text("id"),  # of its first response
    Column("used_at_ns", BigInteger, nullable=False, index=True),
    PrimaryKeyConstraint("org", "id"),
)

stored_response = Table(
    "stored_response",
    metadata,
    _text("org"),
    _text("id"),
    _text("conversation_id"),
    _text("previous_id"),  # "" for the first of a conversation
    _number("created_at_ns"),
    Column("sealed", LargeBinary, nullable=False),
    PrimaryKeyConstraint("org", "id"),
    Index("ix_stored_response_conversation", "org", "conversation_id"),
)

# When each executor of durable runs was last heard of.
run_executor = Table(
    "run_executor",
    metadata,
    Column("executor", Text, primary_key=True),
    _number("beat_at_ns"),
)

stored_file = Table(
    "stored_file",
    metadata,
    _text("org"),
    Column("id", _Id, nullable=False),
    _text("purpose"),
    _number("size"),
    _number("parts"),
    _number("created_at_ns"),
    Column("sealed_name", LargeBinary, nullable=False),
    PrimaryKeyConstraint("org", "id"),
)

# No foreign key: a file's row comes after its parts.
stored_file_part = Table(
    "stored_file_part",
    metadata,
    _text("org"),
    Column("file_id", _Id, nullable=False),
    _number("number"),
    Column("sealed", LargeBinary, nullable=False),
    PrimaryKeyConstraint("org", "file_id", "number"),
)

batch = Table(
    "batch",
    metadata,
    _text("org"),
    Column("id", _Id, nullable=False),
    _text("key_id"),  # of the key it acts for
    _text("endpoint"),
    _text("input_file_id"),
    _text("output_file_id"),  # given from the start, there once it is finalized
    _text("error_file_id"),
    Column("status", Text, nullable=False, index=True),
    _number("created_at_ns"),
    _number("expires_at_ns"),
    _number("lines"),
    _number("completed"),
    _number("failed"),
    _text("times"),  # JSON: ns by status
    Column("sealed", LargeBinary, nullable=False),  # its metadata
    Column("sealed_errors", LargeBinary, nullable=False),  # b"" for none
    PrimaryKeyConstraint("org", "id"),
)

# What came of each line, until it stands in a file.
batch_line = Table(
    "batch_line",
    metadata,
    _text("org"),
    Column("batch_id", _Id, nullable=False),
    _number("number"),
    Column("failed", Boolean, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    PrimaryKeyConstraint("org", "batch_id", "number"),
)

ENTRY_COLUMNS: Final = tuple(c.name for c in ledger_entry.columns if c.name != "id")
PLAIN_COLUMNS: Final = ENTRY_COLUMNS[: ENTRY_COLUMNS.index("original_at_ns")]
"""What an entry says that is neither late nor provisional: the columns behind are at rest."""
TABLES: Final = frozenset(metadata.tables)
