"""The tables of the audit log, as part of `storage.schema`."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

from legato.storage.tables.columns import metadata, number_column, text_column

# Rows are only ever added. `leaf` is what is hashed; the columns beside it find it.
# `nodes` are the hashes of the subtrees that this leaf completes, itself first: the node of
# height h at place j is the h-th of row (j + 1) * 2**h - 1.
audit_event: Final = Table(
    "audit_event",
    metadata,
    Column("number", BigInteger, nullable=False, autoincrement=False),  # its index, from 0
    text_column("org"),
    number_column("org_number"),
    number_column("at_ns"),
    text_column("action"),
    Column("leaf", LargeBinary, nullable=False),
    Column("nodes", LargeBinary, nullable=False),
    PrimaryKeyConstraint("number"),
    UniqueConstraint("org", "org_number", name="audit_event_org"),
)

# One row: how large the log is, and what is needed to append to its tree.
audit_head: Final = Table(
    "audit_head",
    metadata,
    Column("name", Text, primary_key=True),
    number_column("size"),
    Column("frontier", LargeBinary, nullable=False),
)

AUDIT_TABLES: Final = frozenset({audit_event.name, audit_head.name})
