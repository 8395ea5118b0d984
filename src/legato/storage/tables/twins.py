"""The table of things that workflows mirror, as part of `storage.schema`."""

from typing import Final

from sqlalchemy import BigInteger, Column, LargeBinary, PrimaryKeyConstraint, Table

from legato.storage.tables.columns import metadata, number_column, text_column

# The state of each thing, as nodes of the kind `twin` left it.
workflow_twin: Final = Table(
    "workflow_twin",
    metadata,
    text_column("org"),
    text_column("twin"),
    text_column("whose"),  # keyed pseudonym of the thing's key: a user's own where it names one
    number_column("version"),  # counts its changes
    Column("changed_at_ns", BigInteger, nullable=False, index=True),
    Column("sealed", LargeBinary, nullable=False),  # its key and its state
    PrimaryKeyConstraint("org", "twin", "whose"),
)
