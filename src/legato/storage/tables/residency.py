"""The table of where tenants' calls may go, as part of `storage.schema`."""

from typing import Final

from sqlalchemy import PrimaryKeyConstraint, Table

from legato.storage.tables.columns import metadata, number_column, text_column

# Regions of deployments that an organisation's calls may be sent to, or one of its teams'.
residency: Final = Table(
    "residency",
    metadata,
    text_column("org"),
    text_column("team"),  # "" for all of the organisation
    text_column("regions"),  # JSON array
    text_column("changed_by"),
    number_column("changed_at_ns"),
    PrimaryKeyConstraint("org", "team"),
)

RESIDENCY_TABLES: Final = frozenset({residency.name})
