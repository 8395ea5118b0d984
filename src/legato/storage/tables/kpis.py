"""What KPIs are made of beside entries, and what was set for them; as part of `storage.schema`."""

from typing import Final

from sqlalchemy import BigInteger, Column, LargeBinary, PrimaryKeyConstraint, Table, Text

from legato.storage.tables.columns import Id, metadata, number_column, text_column

# What guardrails found, by day: requests and finds of each rule and label.
guard_day: Final = Table(
    "guard_day",
    metadata,
    number_column("bucket"),
    *[Column(name, Text, nullable=False) for name in
      ("org", "team", "feature", "policy", "rule", "label", "action", "mode")],
    number_column("requests"),
    number_column("finds"),
    PrimaryKeyConstraint("bucket", "org", "team", "feature", "policy", "rule", "label", "action",
                         "mode"),
    sqlite_with_rowid=False,
)  # fmt: skip

# Where a KPI stood, where it shall come to, and since when something was done for it. Each
# change is a version of its own; the highest is in force.
kpi_goal: Final = Table(
    "kpi_goal",
    metadata,
    text_column("org"),
    text_column("kpi"),
    text_column("team"),  # "" for all of the organisation
    text_column("feature"),  # "" for all of the team
    Column("workflow", Text, nullable=False, server_default=""),  # "" for calls of all and of none
    number_column("version"),
    text_column("baseline"),  # a decimal number in the KPI's unit, "" for none
    text_column("target"),  # likewise
    Column("since_day", BigInteger, nullable=True),  # from the epoch: before it, and after
    text_column("note"),
    text_column("author"),
    number_column("at_ns"),
    PrimaryKeyConstraint("org", "kpi", "team", "feature", "workflow", "version"),
)

# What a contract compares savings with: signed, and never changed.
contract_baseline: Final = Table(
    "contract_baseline",
    metadata,
    text_column("org"),
    Column("id", Id, nullable=False),
    text_column("name"),
    text_column("author"),
    number_column("at_ns"),
    Column("note", LargeBinary, nullable=False),  # a signed note, as checkpoints of the log are
    PrimaryKeyConstraint("org", "id"),
)
KPI_TABLES: Final = frozenset({guard_day.name, kpi_goal.name, contract_baseline.name})
