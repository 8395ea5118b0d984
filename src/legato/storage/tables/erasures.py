"""The tables of erasures and destroyed keys, as part of `storage.schema`."""

from typing import Final

from sqlalchemy import Column, Index, PrimaryKeyConstraint, Table, UniqueConstraint

from legato.storage.tables.columns import Id, metadata, number_column, text_column

# Every act of erasing, and what it found: who asked when, for whom, how much of each kind.
erasure: Final = Table(
    "erasure",
    metadata,
    text_column("org"),
    Column("id", Id, nullable=False),
    text_column("author"),
    text_column("end_user"),  # keyed pseudonym; "" where one request was meant
    Column("request_id", Id, nullable=False),  # "" where a user was meant
    text_column("counts"),  # JSON: how much by kind
    number_column("at_ns"),
    number_column("ended_at_ns", nullable=True),  # none: it was cut off, ask for it again
    PrimaryKeyConstraint("org", "id"),
    Index("erasure_subject", "org", "end_user", "request_id"),
)

# Requests whose content was erased: what of it arrives later is dropped.
erased_request: Final = Table(
    "erased_request",
    metadata,
    text_column("org"),
    Column("request_id", Id, nullable=False),
    number_column("at_ns"),
    PrimaryKeyConstraint("org", "request_id"),
    Index("erased_request_time", "at_ns"),
)

# Data keys that are no more: what they sealed can't be opened by anybody.
destroyed_data_key: Final = Table(
    "destroyed_data_key",
    metadata,
    text_column("org"),
    text_column("id"),
    number_column("version"),
    text_column("author"),
    number_column("destroyed_at_ns"),
    PrimaryKeyConstraint("org", "id"),
    UniqueConstraint("org", "version", name="destroyed_data_key_version"),
)

ERASURE_TABLES: Final = frozenset({erasure.name, erased_request.name, destroyed_data_key.name})
