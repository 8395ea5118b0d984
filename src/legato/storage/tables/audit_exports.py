"""The table of where the audit log was copied to, as part of `storage.schema`."""

from typing import Final

from sqlalchemy import Boolean, Column, LargeBinary, Table, Text

from legato.storage.tables.columns import metadata, number_column, text_column

# Up to where each destination has the log, and whether it takes more.
audit_export: Final = Table(
    "audit_export",
    metadata,
    Column("name", Text, primary_key=True),
    number_column("size"),
    Column("root", LargeBinary, nullable=False),
    number_column("at_ns"),  # of the last time that all arrived; 0 for never
    number_column("failing_since_ns", nullable=True),
    Column("forked", Boolean, nullable=False),
    text_column("told"),  # why it fails
)

AUDIT_EXPORT_TABLES: Final = frozenset({audit_export.name})
