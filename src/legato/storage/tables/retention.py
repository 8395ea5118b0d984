"""The table of how long kinds of rows are kept, as part of `storage.schema`."""

from typing import Final

from sqlalchemy import PrimaryKeyConstraint, Table

from legato.storage.tables.columns import metadata, number_column, text_column

# Beside the configuration's terms: the shorter one holds.
retention_term: Final = Table(
    "retention_term",
    metadata,
    text_column("org"),  # "" for all of them
    text_column("kind"),  # a name of `retention.days`
    number_column("days"),
    text_column("changed_by"),
    number_column("changed_at_ns"),
    PrimaryKeyConstraint("org", "kind"),
)

RETENTION_TABLES: Final = frozenset({retention_term.name})
