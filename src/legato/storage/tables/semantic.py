"""The tables of the semantic cache, as part of `storage.schema`."""

from typing import Final

from sqlalchemy import Boolean, Column, Index, LargeBinary, PrimaryKeyConstraint, Table

from legato.storage.tables.columns import Id, metadata, number_column, origin_column, text_column

# One row. Whoever changes an entry takes numbers here first, so they are committed in their order.
semantic_change: Final = Table(
    "semantic_change",
    metadata,
    number_column("id"),
    number_column("number"),
    PrimaryKeyConstraint("id"),
)

semantic_entry: Final = Table(
    "semantic_entry",
    metadata,
    Column("id", Id, nullable=False),
    text_column("org"),
    text_column("embedder"),
    number_column("change"),
    number_column("created_at_ns"),
    number_column("expires_at_ns"),
    number_column("hits"),
    number_column("saved"),  # nano-USD
    number_column("wrong"),
    Column("forgotten", Boolean, nullable=False),  # stays an hour, without content
    Column("sealed", LargeBinary, nullable=False),
    origin_column("request_id"),
    origin_column("end_user"),
    PrimaryKeyConstraint("id"),
    Index("semantic_entry_change", "embedder", "change", unique=True),
    Index("semantic_entry_expires", "expires_at_ns"),
    Index("semantic_entry_org", "org"),
)

semantic_purge: Final = Table(
    "semantic_purge",
    metadata,
    number_column("change"),
    number_column("at_ns"),
    text_column("selection"),  # JSON
    PrimaryKeyConstraint("change"),
)

SEMANTIC_TABLES: Final = frozenset(
    {t.name for t in (semantic_change, semantic_entry, semantic_purge)}
)
