"""The tables of rollouts, as part of `storage.schema`."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    PrimaryKeyConstraint,
    Table,
    Text,
    false,
    text,
)

from legato.storage.tables.columns import Id, metadata, number_column, text_column

rollout: Final = Table(
    "rollout",
    metadata,
    text_column("org"),
    Column("id", Id, nullable=False),
    text_column("environment"),
    text_column("kind"),
    text_column("name"),
    text_column("label"),
    text_column("champion"),  # digests
    text_column("candidate"),  # the first one
    text_column("plan"),  # JSON of routing.rollouts.plan.Plan
    text_column("phase"),
    text_column("author"),
    text_column("reason"),
    text_column("told"),  # the last decision in words
    number_column("step"),
    number_column("since_ns"),
    number_column("started_at_ns"),
    number_column("version"),  # counts changes of its state
    text_column("begun"),  # JSON: ns at which each span of the same shares began
    number_column("ended_at_ns", nullable=True),
    # JSON of routing.rollouts.division.Division; "" as older code writes it: one candidate
    Column("division", Text, nullable=False, server_default=""),
    # how many others had to approve its start, and whether it waits for them: then its phase is
    # paused and its candidates' share 0, so that code that doesn't know of it serves nobody
    Column("approvals", BigInteger, nullable=False, server_default="0"),
    Column("waits", Boolean, nullable=False, server_default=false()),
    PrimaryKeyConstraint("org", "id"),
    Index("rollout_under_way", "org", "environment", "kind", "name", "label", unique=True,
          sqlite_where=text("ended_at_ns IS NULL")),
)  # fmt: skip

# Everything that was done, by whom, and the evidence it rested on.
rollout_event: Final = Table(
    "rollout_event",
    metadata,
    text_column("org"),
    Column("rollout_id", Id, nullable=False),
    number_column("number"),
    number_column("at_ns"),
    text_column("actor"),
    text_column("action"),
    text_column("reason"),
    text_column("evidence"),  # JSON: a list of routing.rollouts.gates.Evidence
    PrimaryKeyConstraint("org", "rollout_id", "number"),
)

# The ledger has no row for a request that never reached a provider, and a rollout must know it.
arm_outcome: Final = Table(
    "arm_outcome",
    metadata,
    text_column("org"),
    Column("rollout_id", Id, nullable=False),
    text_column("arm"),
    Column("request_id", Id, nullable=False),
    Column("at_ns", BigInteger, nullable=False, index=True),
    text_column("unit"),
    Column("ok", Boolean, nullable=False),
    number_column("cost", nullable=True),
    number_column("total_us"),
    Column("triggered", Boolean, nullable=True),  # a guardrail; null where no policy applied
    PrimaryKeyConstraint("org", "rollout_id", "arm", "request_id"),
)

# What became of the copies of calls that a shadow answered: core.records.ShadowOutcome.
shadow_outcome: Final = Table(
    "shadow_outcome",
    metadata,
    text_column("org"),
    Column("rollout_id", Id, nullable=False),
    Column("request_id", Id, nullable=False),
    Column("live_request_id", Id, nullable=False),
    Column("at_ns", BigInteger, nullable=False, index=True),
    text_column("status"),
    text_column("live_status"),
    number_column("cost", nullable=True),
    number_column("live_cost", nullable=True),
    number_column("total_us"),
    number_column("live_us"),
    number_column("output_tokens"),
    number_column("live_output_tokens"),
    Column("shadow_json", Boolean, nullable=True),
    Column("live_json", Boolean, nullable=True),
    Column("agrees", Boolean, nullable=True),
    PrimaryKeyConstraint("org", "rollout_id", "request_id"),
)

ROLLOUT_TABLES: Final = frozenset(
    {rollout.name, rollout_event.name, arm_outcome.name, shadow_outcome.name}
)
