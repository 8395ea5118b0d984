"""Tables of compliance: what each check came to, and from when to when."""

from typing import Final

from sqlalchemy import Column, Index, PrimaryKeyConstraint, Table, Text

from legato.storage.tables.columns import metadata, number_column, text_column

# The instance's, of no tenant: counts and names of what is configured, no person and no content.
# One row for findings that were alike, one after the other.
compliance_result: Final = Table(
    "compliance_result",
    metadata,
    text_column("check_id"),
    text_column("node"),  # the machine that was looked at, "" for what all share
    text_column("status"),
    text_column("told"),
    Column("evidence", Text, nullable=False),  # JSON object, of the last look
    number_column("first_ns"),
    number_column("last_ns"),
    number_column("times"),
    PrimaryKeyConstraint("check_id", "node", "first_ns"),
    Index("compliance_result_last", "last_ns"),
)

COMPLIANCE_TABLES: Final = frozenset({compliance_result.name})
