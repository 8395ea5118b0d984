"""The table of sealed segments, as part of `storage.schema`."""

from typing import Final

from sqlalchemy import Column, LargeBinary, PrimaryKeyConstraint, Table

from legato.storage.tables.columns import metadata, number_column, text_column

# What lies beside the rows that a `segment.seal` event anchors: with it the first row that isn't
# as it was sealed can be named. Rows of all tenants are in one: it belongs to none of them.
audit_segment: Final = Table(
    "audit_segment",
    metadata,
    text_column("kind"),
    number_column("number"),
    number_column("event"),  # index of the event
    number_column("after_id"),
    number_column("last_id"),
    number_column("last_at_ns"),
    Column("hashes", LargeBinary, nullable=False),  # of its leaves; b"" once all of it is forgotten
    Column("heads", LargeBinary, nullable=False),  # of blocks, a line each
    PrimaryKeyConstraint("kind", "number"),
)

SEGMENT_TABLES: Final = frozenset({audit_segment.name})
