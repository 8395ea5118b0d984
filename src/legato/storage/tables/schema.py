"""Every table we own, as it stands at `SCHEMA_VERSION`. Times are ns since the epoch.

The migrations make these tables; a test compares the two. Amounts are nano-USD in int64,
NULL where a deployment had no price. Conditions of indexes stand here as SQLite's alone, though
Postgres has them, too: naming it would load its drivers, 4 MiB, into every process.
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
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from legato.core.usage import USAGE_CLASSES
from legato.economics.waterfall import STEP_COLUMNS
from legato.storage.tables import columns
from legato.storage.tables.accounting import ACCOUNTING_TABLES
from legato.storage.tables.accounts import ACCOUNT_TABLES
from legato.storage.tables.anomalies import ANOMALY_TABLES
from legato.storage.tables.audit import AUDIT_TABLES
from legato.storage.tables.audit_exports import AUDIT_EXPORT_TABLES
from legato.storage.tables.audit_segments import SEGMENT_TABLES
from legato.storage.tables.budgets import BUDGET_TABLES
from legato.storage.tables.captures import CAPTURE_TABLES
from legato.storage.tables.columns import Id, RowId, number_column, origin_column, text_column
from legato.storage.tables.compliance import COMPLIANCE_TABLES
from legato.storage.tables.decided import DECIDED_TABLES
from legato.storage.tables.erasures import ERASURE_TABLES
from legato.storage.tables.evaluations import EVALUATION_TABLES
from legato.storage.tables.feedback import feedback
from legato.storage.tables.finance import FINANCE_TABLES
from legato.storage.tables.floors import FLOOR_TABLES
from legato.storage.tables.guard_samples import GUARD_SAMPLE_TABLES
from legato.storage.tables.holdouts import holdout
from legato.storage.tables.imports import IMPORT_TABLES
from legato.storage.tables.kept_maps import KEPT_MAP_TABLES
from legato.storage.tables.kpis import KPI_TABLES
from legato.storage.tables.leases import LEASE_TABLES
from legato.storage.tables.live_scores import LIVE_TABLES
from legato.storage.tables.notifications import NOTIFICATION_TABLES
from legato.storage.tables.objectives import OBJECTIVE_TABLES
from legato.storage.tables.proposals import PROPOSAL_TABLES
from legato.storage.tables.registry import REGISTRY_TABLES
from legato.storage.tables.reviews import REVIEW_TABLES
from legato.storage.tables.roles import ROLE_TABLES
from legato.storage.tables.rollouts import ROLLOUT_TABLES
from legato.storage.tables.rollups import ROLLUP_TABLES
from legato.storage.tables.routers import ROUTER_TABLES
from legato.storage.tables.semantic import SEMANTIC_TABLES
from legato.storage.tables.tombstones import PRIVACY_TABLES
from legato.storage.tables.workflows import WORKFLOW_TABLES

metadata: Final = columns.metadata
SCHEMA_VERSION: Final = "0072"

migration_marker = Table(
    "migration_marker",
    metadata,
    Column("to_version", Text, primary_key=True),
    text_column("from_version"),
    text_column("backup"),  # file name of the copy made before, "" without one
)

store_version = Table(
    "store_version",
    metadata,
    Column("name", Text, primary_key=True),
    number_column("version"),
)

# Whose spend it is. The tenant is the organisation; every table with rows of tenants has its
# name in a column `org`. Names stand in the ledger and never change; titles may.
organisation = Table(
    "organisation",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    text_column("title"),
    number_column("version"),
    number_column("created_at_ns"),
)

team = Table(
    "team",
    metadata,
    Column("id", Text, primary_key=True),
    Column("org", Text, ForeignKey("organisation.name"), nullable=False),
    text_column("name"),
    text_column("title"),
    number_column("version"),
    number_column("created_at_ns"),
    UniqueConstraint("org", "name", name="team_name"),
)

feature = Table(
    "feature",
    metadata,
    Column("id", Text, primary_key=True),
    text_column("org"),
    text_column("team"),
    text_column("name"),
    text_column("title"),
    number_column("version"),
    number_column("created_at_ns"),
    ForeignKeyConstraint(["org", "team"], ["team.org", "team.name"]),
    UniqueConstraint("org", "team", "name", name="feature_name"),
)

# Keys that encrypt data, themselves encrypted under a master key that is not in the database.
data_key = Table(
    "data_key",
    metadata,
    Column("id", Text, primary_key=True),
    text_column("org"),  # "" for the instance's own
    number_column("version"),
    text_column("master_id"),
    Column("wrapped", LargeBinary, nullable=False),
    number_column("created_at_ns"),
    UniqueConstraint("org", "version", name="data_key_version"),
)

# Secrets of providers, sealed. They are the instance's: providers belong to no tenant.
credential = Table(
    "credential",
    metadata,
    Column("name", Text, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    number_column("version"),
    number_column("changed_at_ns"),
)

# What a POST with an idempotency key answered, sealed; NULL while it runs.
idempotent_call = Table(
    "idempotent_call",
    metadata,
    text_column("org"),
    text_column("key_id"),
    text_column("name"),
    Column("request_digest", LargeBinary, nullable=False),
    Column("answer", LargeBinary),
    Column("at_ns", BigInteger, nullable=False, index=True),
    PrimaryKeyConstraint("org", "key_id", "name"),
)

api_key = Table(
    "api_key",
    metadata,
    Column("id", Text, primary_key=True),
    text_column("name"),
    text_column("org"),
    text_column("team"),
    text_column("feature"),
    text_column("scopes"),  # JSON array, as models
    text_column("models"),
    text_column("tags"),  # JSON object
    number_column("requests_per_minute", nullable=True),
    number_column("concurrency_max", nullable=True),
    number_column("budget_limit", nullable=True),
    Column("budget_window", Text),
    number_column("created_at_ns"),
    number_column("expires_at_ns", nullable=True),
    number_column("revoked_at_ns", nullable=True),
    text_column("revoked_by"),  # "", operator, config
    text_column("source"),  # api, config
    Column("require", Text),  # JSON object
    Column("allow_from", Text, nullable=False, server_default="[]"),  # JSON array
    Column("made_by", Text, nullable=False, server_default=""),  # the key that made it
    ForeignKeyConstraint(
        ["org", "team", "feature"], ["feature.org", "feature.team", "feature.name"]
    ),
    Index("api_key_name_in_force", "name", unique=True,
          sqlite_where=text("revoked_at_ns IS NULL")),
)  # fmt: skip

api_key_secret = Table(
    "api_key_secret",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("key_id", Text, ForeignKey("api_key.id"), nullable=False, index=True),
    number_column("valid_until_ns", nullable=True),
)

ledger_entry = Table(
    "ledger_entry",
    metadata,
    Column("id", RowId, primary_key=True),
    # The facts, in the order of core.records.Facts: rows are built by position.
    Column("request_id", Id, nullable=False),
    Column("attempt", Integer, nullable=False),
    text_column("org"),
    text_column("team"),
    text_column("feature"),
    text_column("key_id"),
    text_column("end_user"),
    text_column("tags"),  # JSON object
    text_column("model_requested"),
    text_column("route"),
    text_column("deployment"),
    text_column("provider"),
    text_column("model"),
    text_column("region"),
    text_column("price_version"),
    text_column("baseline_model"),
    text_column("config_version"),
    Column("versions", Text, nullable=False, server_default=""),
    Column("arm", Text, nullable=False, server_default=""),
    Column("measures", Text, nullable=False, server_default=""),
    text_column("kind"),
    Column("seq", Integer, nullable=False),
    number_column("at_ns"),
    text_column("period"),
    *[number_column(name) for name in USAGE_CLASSES],
    text_column("usage_source"),
    number_column("cost", nullable=True),
    number_column("baseline_cost", nullable=True),
    text_column("model_served"),
    text_column("status"),
    Column("http_status", Integer, nullable=False),
    number_column("total_us"),
    number_column("first_token_us"),
    number_column("gateway_us"),
    text_column("budget_id"),
    number_column("budget_at_ns"),  # decides the budget window: when the hold was taken
    number_column("original_at_ns", nullable=True),  # of a correction: when it happened
    number_column("reverses_entry", nullable=True),
    Column("provisional", Boolean, nullable=False),
    *[Column(name, BigInteger, nullable=False, server_default="0") for name in STEP_COLUMNS],
    UniqueConstraint("request_id", "attempt", "kind", "seq", name="ledger_entry_identity"),
    Index("ledger_entry_at", "at_ns"),
    Index("ledger_entry_budget", "budget_id", "budget_at_ns",
          sqlite_where=text("budget_id <> ''")),
    Index("ledger_entry_reverses", "reverses_entry",
          sqlite_where=text("reverses_entry IS NOT NULL")),
)  # fmt: skip

# Attempts still under way. The records stay encoded: most rows live for one batch only.
open_intent = Table(
    "open_intent",
    metadata,
    Column("request_id", Id, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("writer", Text, nullable=False, index=True),
    number_column("at_ns"),
    Column("payload", LargeBinary, nullable=False),
    PrimaryKeyConstraint("request_id", "attempt"),
    sqlite_with_rowid=False,
)

open_progress = Table(
    "open_progress",
    metadata,
    Column("request_id", Id, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("writer", Text, nullable=False, index=True),
    number_column("tokens"),
    Column("payload", LargeBinary, nullable=False),
    PrimaryKeyConstraint("request_id", "attempt"),
    sqlite_with_rowid=False,
)

# An attempt that ended without an entry, so that a replayed intent does not open it again.
voided_attempt = Table(
    "voided_attempt",
    metadata,
    Column("request_id", Id, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("at_ns", BigInteger, nullable=False, index=True),
    text_column("reason"),
    PrimaryKeyConstraint("request_id", "attempt"),
    sqlite_with_rowid=False,
)

journal_offset = Table(
    "journal_offset",
    metadata,
    Column("segment", Text, primary_key=True),
    number_column("committed"),
)

journal_alarm = Table(
    "journal_alarm",
    metadata,
    Column("digest", Text, primary_key=True),
    text_column("segment"),
    number_column("segment_offset"),  # end of the batch it came in
    number_column("at_ns"),
    text_column("reason"),
    Column("payload", LargeBinary, nullable=False),
)

# Finished requests, many a row: see trace_blocks.
trace_block = Table(
    "trace_block",
    metadata,
    Column("id", RowId, primary_key=True),
    text_column("segment"),
    number_column("committed"),  # end of the batch it came in
    text_column("org"),
    number_column("first_at_ns"),
    Column("last_at_ns", BigInteger, nullable=False, index=True),
    Column("first_id", Id, nullable=False),
    Column("last_id", Id, nullable=False),
    Column("requests", Integer, nullable=False),
    Column("records", LargeBinary, nullable=False),  # msgpack: an array of Served
    Index("trace_block_place", "segment", "committed"),
    Index("trace_block_org", "org", "last_at_ns", "id"),
)

# One counter per limit and window: money budgets, request rates, concurrency slots.
limit_window = Table(
    "limit_window",
    metadata,
    Column("id", RowId, primary_key=True),
    text_column("kind"),
    text_column("limit_id"),
    text_column("span"),  # day, week, month, total, or seconds of a rate
    number_column("start_ns"),
    number_column("end_ns"),
    number_column("settled"),
    number_column("leased"),
    Column("version", BigInteger, nullable=False, server_default="0"),  # orders its changes
    UniqueConstraint("kind", "limit_id", "span", "start_ns", name="limit_window_identity"),
)

limit_lease = Table(
    "limit_lease",
    metadata,
    Column("window_id", RowId, ForeignKey("limit_window.id", ondelete="CASCADE"), nullable=False),
    Column("holder", Text, nullable=False, index=True),
    number_column("amount"),
    PrimaryKeyConstraint("window_id", "holder"),
    sqlite_with_rowid=False,
)

price_version = Table(
    "price_version",
    metadata,
    text_column("deployment"),
    text_column("version"),
    number_column("valid_from_ns"),
    text_column("source"),
    text_column("price"),  # JSON of core.price.Price
    PrimaryKeyConstraint("deployment", "version"),
)

# Kept as long as it goes on, and a retention after that.
response_conversation = Table(
    "response_conversation",
    metadata,
    text_column("org"),
    text_column("id"),  # of its first response
    Column("used_at_ns", BigInteger, nullable=False, index=True),
    PrimaryKeyConstraint("org", "id"),
)

stored_response = Table(
    "stored_response",
    metadata,
    text_column("org"),
    text_column("id"),
    text_column("conversation_id"),
    text_column("previous_id"),  # "" for the first of a conversation
    number_column("created_at_ns"),
    Column("sealed", LargeBinary, nullable=False),
    origin_column("request_id"),
    origin_column("end_user"),
    PrimaryKeyConstraint("org", "id"),
    Index("ix_stored_response_conversation", "org", "conversation_id"),
)

# Who may hand a batch to its provider, and what came of it.
batch_claim = Table(
    "batch_claim",
    metadata,
    text_column("org"),
    Column("batch_id", Id, nullable=False),
    text_column("holder"),
    number_column("until_ns"),
    Column("settled", Boolean, nullable=False),
    text_column("provider_batch"),
    PrimaryKeyConstraint("org", "batch_id"),
)

# When each executor of durable runs was last heard of.
run_executor = Table(
    "run_executor",
    metadata,
    Column("executor", Text, primary_key=True),
    number_column("beat_at_ns"),
)

stored_file = Table(
    "stored_file",
    metadata,
    text_column("org"),
    Column("id", Id, nullable=False),
    text_column("purpose"),
    number_column("size"),
    number_column("parts"),
    number_column("created_at_ns"),
    Column("sealed_name", LargeBinary, nullable=False),
    PrimaryKeyConstraint("org", "id"),
)

# No foreign key: a file's row comes after its parts.
stored_file_part = Table(
    "stored_file_part",
    metadata,
    text_column("org"),
    Column("file_id", Id, nullable=False),
    number_column("number"),
    Column("sealed", LargeBinary, nullable=False),
    PrimaryKeyConstraint("org", "file_id", "number"),
)

batch = Table(
    "batch",
    metadata,
    text_column("org"),
    Column("id", Id, nullable=False),
    text_column("key_id"),  # of the key it acts for
    text_column("endpoint"),
    text_column("input_file_id"),
    text_column("output_file_id"),  # given from the start, there once it is finalized
    text_column("error_file_id"),
    Column("status", Text, nullable=False, index=True),
    number_column("created_at_ns"),
    number_column("expires_at_ns"),
    number_column("lines"),
    number_column("completed"),
    number_column("failed"),
    text_column("times"),  # JSON: ns by status
    Column("sealed", LargeBinary, nullable=False),  # its metadata
    Column("sealed_errors", LargeBinary, nullable=False),  # b"" for none
    PrimaryKeyConstraint("org", "id"),
)

# What came of each line, until it stands in a file.
batch_line = Table(
    "batch_line",
    metadata,
    text_column("org"),
    Column("batch_id", Id, nullable=False),
    number_column("number"),
    Column("failed", Boolean, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    PrimaryKeyConstraint("org", "batch_id", "number"),
)

ENTRY_COLUMNS: Final = tuple(c.name for c in ledger_entry.columns if c.name != "id")
PLAIN_COLUMNS: Final = ENTRY_COLUMNS[: ENTRY_COLUMNS.index("original_at_ns")]
"""What an entry says that is neither late nor provisional: the columns behind are at rest."""
_ELSEWHERE: Final = (
    REGISTRY_TABLES
    | ACCOUNT_TABLES
    | AUDIT_TABLES
    | AUDIT_EXPORT_TABLES
    | SEGMENT_TABLES
    | {feedback.name, holdout.name}
    | FLOOR_TABLES
    | ROUTER_TABLES
    | ROLLOUT_TABLES
    | ROLLUP_TABLES
    | CAPTURE_TABLES
    | DECIDED_TABLES
    | REVIEW_TABLES
    | LIVE_TABLES
    | EVALUATION_TABLES
    | GUARD_SAMPLE_TABLES
    | KEPT_MAP_TABLES
    | KPI_TABLES
    | LEASE_TABLES
    | PROPOSAL_TABLES
    | SEMANTIC_TABLES
    | ERASURE_TABLES
    | ROLE_TABLES
    | BUDGET_TABLES
    | IMPORT_TABLES
    | COMPLIANCE_TABLES
    | FINANCE_TABLES
    | ACCOUNTING_TABLES
    | NOTIFICATION_TABLES
    | ANOMALY_TABLES
    | OBJECTIVE_TABLES
    | PRIVACY_TABLES
    | WORKFLOW_TABLES
)
TABLES: Final = frozenset(metadata.tables) | _ELSEWHERE
