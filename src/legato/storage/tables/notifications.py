"""The tables of notifications, as part of `storage.schema`."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
)

from legato.storage.tables.columns import (
    Id,
    metadata,
    number_column,
    origin_column,
    text_column,
)
from legato.storage.tables.schedules import SCHEDULE_TABLES

# What is to be told: names and figures; of workflows, content, which is sealed. `org` is "" for
# what concerns the instance.
notification: Final = Table(
    "notification",
    metadata,
    Column("id", Id, primary_key=True),
    text_column("org"),
    text_column("team"),
    text_column("feature"),
    text_column("kind"),
    text_column("severity"),
    text_column("title"),
    text_column("text"),
    text_column("html"),  # "" for none
    text_column("facts"),  # JSON object
    Column("at_ns", BigInteger, nullable=False, index=True),
    Column("once", Text, nullable=False, unique=True),  # digest of what it is about
    Column("sealed", LargeBinary, nullable=True),  # title, text and html; b"" once it was erased
    origin_column("origin_user"),
)

notification_delivery: Final = Table(
    "notification_delivery",
    metadata,
    Column("notification_id", Id, nullable=False),
    text_column("channel"),
    text_column("org"),
    text_column("state"),  # waiting, sent, dead
    number_column("attempts"),
    number_column("next_ns"),
    number_column("sent_at_ns", nullable=True),
    text_column("told"),  # why the last attempt failed
    PrimaryKeyConstraint("notification_id", "channel"),
    Index("notification_delivery_due", "state", "next_ns"),
)

# Up to where each source was read.
notification_source: Final = Table(
    "notification_source",
    metadata,
    Column("name", Text, primary_key=True),
    number_column("position"),
)

# Which process does what only one may do at a time.
work_claim: Final = Table(
    "work_claim",
    metadata,
    Column("name", Text, primary_key=True),
    text_column("holder"),
    number_column("until_ns"),
)

NOTIFICATION_TABLES: Final = SCHEDULE_TABLES | {
    notification.name,
    notification_delivery.name,
    notification_source.name,
    work_claim.name,
}
