"""The table of exports about people, as part of `storage.schema`."""

from typing import Final

from sqlalchemy import Column, Index, LargeBinary, PrimaryKeyConstraint, Table

from legato.storage.tables.columns import Id, metadata, number_column, text_column

# Who was given all that is held about whom, and why: the reason is sealed, it may name them.
subject_export: Final = Table(
    "subject_export",
    metadata,
    text_column("org"),
    Column("id", Id, nullable=False),
    text_column("author"),
    text_column("end_user"),  # keyed pseudonym; "" where one request was meant
    Column("request_id", Id, nullable=False),  # "" where a user was meant
    text_column("counts"),  # JSON: how much by kind
    number_column("at_ns"),
    number_column("ended_at_ns", nullable=True),  # none: it was cut off
    Column("sealed", LargeBinary, nullable=False),
    PrimaryKeyConstraint("org", "id"),
    Index("subject_export_subject", "org", "end_user", "request_id"),
)

SUBJECT_EXPORT_TABLES: Final = frozenset({subject_export.name})
