"""The table of holdouts, as part of `storage.schema`."""

from typing import Final

from sqlalchemy import Column, Index, PrimaryKeyConstraint, Table, text

from legato.storage.tables.columns import Id, metadata, number_column, text_column

holdout: Final = Table(
    "holdout",
    metadata,
    text_column("org"),
    Column("id", Id, nullable=False),
    text_column("route"),
    number_column("share_bp"),
    text_column("author"),
    text_column("reason"),
    number_column("started_at_ns"),
    number_column("ended_at_ns", nullable=True),
    text_column("ended_by"),
    PrimaryKeyConstraint("org", "id"),
    Index("holdout_under_way", "org", "route", unique=True,
          sqlite_where=text("ended_at_ns IS NULL")),
)  # fmt: skip
