"""The tables of tombstones, as part of `storage.schema`."""

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, LargeBinary, Table, Text

from legato.storage.tables.columns import Id, RowId, metadata, number_column, text_column
from legato.storage.tables.residency import RESIDENCY_TABLES
from legato.storage.tables.retention import RETENTION_TABLES
from legato.storage.tables.subject_exports import SUBJECT_EXPORT_TABLES

# What was revoked or erased, in the transaction that did it; see core.tombstones.
tombstone: Final = Table(
    "tombstone",
    metadata,
    Column("id", RowId, primary_key=True),
    text_column("kind"),
    text_column("org"),  # "" for the instance
    Column("subject", Id, nullable=False),
    number_column("at_ns"),
    number_column("until_ns"),
    Column("lifted", Boolean, nullable=False),
    sqlite_autoincrement=True,  # an id is never given again: copies go on from the last one
)

# Up to where each copy has them, and who writes to it now.
tombstone_copy: Final = Table(
    "tombstone_copy",
    metadata,
    Column("name", Text, primary_key=True),
    number_column("batches"),
    Column("head", LargeBinary, nullable=False),  # of the last batch
    number_column("last_id"),
    number_column("at_ns"),  # when all was last there; 0 for never
    text_column("told"),  # why it fails, "" where it doesn't
    text_column("holder"),
    Column("held_until_ns", BigInteger, nullable=False),
)

PRIVACY_TABLES: Final = (
    frozenset({tombstone.name, tombstone_copy.name})
    | SUBJECT_EXPORT_TABLES
    | RESIDENCY_TABLES
    | RETENTION_TABLES
)
