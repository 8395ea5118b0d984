"""The tables of kept redaction maps, as part of `storage.schema`."""

from typing import Final

from sqlalchemy import BigInteger, Column, Index, LargeBinary, PrimaryKeyConstraint, Table, Text

from legato.storage.tables.columns import Id, metadata, number_column, text_column

# What stood for redacted values of a request; the values only sealed.
kept_map: Final = Table(
    "kept_map",
    metadata,
    text_column("org"),
    Column("request_id", Id, nullable=False),
    text_column("end_user"),  # keyed pseudonym, "" for none
    number_column("at_ns"),
    Column("expires_at_ns", BigInteger, nullable=False, index=True),
    text_column("policies"),  # JSON list of versions
    Column("who", Text),  # JSON list of keys' names, NULL for any
    number_column("count"),
    Column("sealed", LargeBinary, nullable=False),
    PrimaryKeyConstraint("org", "request_id"),
    Index("kept_map_user", "org", "end_user"),
)

# Who read or was refused one, and why; rows are only ever added, and outlive the map.
map_reading: Final = Table(
    "map_reading",
    metadata,
    Column("id", Id, nullable=False),
    text_column("org"),
    Column("request_id", Id, nullable=False),
    number_column("at_ns"),
    text_column("actor"),
    text_column("outcome"),  # read, refused
    Column("sealed", LargeBinary, nullable=False),  # the reason
    PrimaryKeyConstraint("id"),
    Index("map_reading_of", "org", "request_id", "id"),
)

KEPT_MAP_TABLES: Final = frozenset({kept_map.name, map_reading.name})
