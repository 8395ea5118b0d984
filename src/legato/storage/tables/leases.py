"""The tables behind leases that a store beside the database grants, as part of `tables.schema`."""

from typing import Final

from sqlalchemy import Boolean, Column, ForeignKey, PrimaryKeyConstraint, Table, Text

from legato.storage.tables.columns import RowId, metadata, number_column

# One row: what the store's keys of this database are named by.
lease_store: Final = Table(
    "lease_store", metadata, Column("id", Text, primary_key=True), number_column("made_at_ns")
)

# Every process that may hold leases of that store. It ends when its journal is in the ledger, and
# is dropped when the store has forgotten it.
lease_holder: Final = Table(
    "lease_holder",
    metadata,
    Column("holder", Text, primary_key=True),
    number_column("began_at_ns"),
    number_column("ended_at_ns", nullable=True),
    Column("dropped", Boolean, nullable=False),
)

# What the ledger has taken in of a holder's spend that no lease in `limit_lease` paid for.
limit_used: Final = Table(
    "limit_used",
    metadata,
    Column("window_id", RowId, ForeignKey("limit_window.id", ondelete="CASCADE"), nullable=False),
    Column("holder", Text, nullable=False, index=True),
    number_column("used"),
    PrimaryKeyConstraint("window_id", "holder"),
    sqlite_with_rowid=False,
)

LEASE_TABLES: Final = frozenset({lease_store.name, lease_holder.name, limit_used.name})
