"""Tables of budgets, of what entries were charged to, and of what came of budgets."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

from legato.storage.tables.columns import RowId, metadata, number_column, text_column

# Money is in nano-USD, what is counted otherwise in its own unit. `org` is "" for a budget of the
# whole instance.
budget = Table(
    "budget",
    metadata,
    Column("id", Text, primary_key=True),
    text_column("org"),
    text_column("name"),
    text_column("measure"),
    number_column("amount"),
    text_column("period"),
    number_column("rolling_s"),
    text_column("covers"),  # JSON object: values of dimensions
    text_column("each"),  # JSON array: dimensions whose values have a counter each
    Column("hard", Boolean, nullable=False),
    text_column("steps"),  # JSON array
    text_column("share_by"),
    text_column("weights"),  # JSON object
    text_column("source"),  # api, config
    number_column("version"),
    number_column("created_at_ns"),
    number_column("changed_at_ns"),
    UniqueConstraint("org", "name", name="budget_name"),
)

# Which counters an entry was charged to, where it is more than one: entries name the set.
budget_set = Table(
    "budget_set",
    metadata,
    text_column("set_id"),
    text_column("limit_id"),
    text_column("org"),
    PrimaryKeyConstraint("set_id", "limit_id"),
    Index("budget_set_limit", "limit_id"),
)

budget_event = Table(
    "budget_event",
    metadata,
    Column("id", RowId, primary_key=True),
    text_column("org"),
    text_column("budget_id"),  # "" for a key's own limit
    text_column("limit_id"),
    number_column("window_start_ns"),
    text_column("what"),  # warn, degrade, queue, blocked
    number_column("at_percent"),
    Column("at_ns", BigInteger, nullable=False, index=True),
    number_column("used"),
    number_column("amount"),  # of the limit, then
    text_column("name"),
    UniqueConstraint("limit_id", "window_start_ns", "what", "at_percent", name="budget_event_once"),
)

BUDGET_TABLES: Final = frozenset({budget.name, budget_set.name, budget_event.name})
