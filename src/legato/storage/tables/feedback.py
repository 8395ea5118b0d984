"""The table of feedback, as part of `storage.schema`."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

from legato.storage.tables.columns import Id, metadata, number_column, text_column

# What was said of requests, one row for each who said it. A request may not be in the ledger yet,
# or never: the two are joined when they are read.
feedback: Final = Table(
    "feedback",
    metadata,
    Column("id", Id, nullable=False),
    text_column("org"),
    Column("request_id", Id, nullable=False),
    text_column("source"),  # who says it: `end_user`, or else `key_id`
    text_column("key_id"),  # which sent it last
    text_column("end_user"),  # keyed pseudonym, "" for none
    Column("thumbs", Text),
    Column("score", Double),
    Column("outcome", Text),
    Column("correction", LargeBinary),  # sealed
    Column("comment", LargeBinary),  # sealed
    number_column("created_at_ns"),
    Column("changed_at_ns", BigInteger, nullable=False, index=True),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("org", "request_id", "source", name="feedback_source"),
    Index("feedback_org", "org", "id"),
)
