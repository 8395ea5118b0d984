"""The tables of routes' quality floors, as part of `storage.schema`."""

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, PrimaryKeyConstraint, Table

from legato.storage.tables.columns import Id, metadata, number_column, text_column

# What the requests of one organisation prove of one policy; another's evidence is another's.
route_floor: Final = Table(
    "route_floor",
    metadata,
    text_column("org"),
    text_column("route"),
    text_column("policy"),
    text_column("floor"),  # JSON: legato.routing.floor.freedom.Floor
    number_column("at_ns"),
    PrimaryKeyConstraint("org", "route", "policy"),
)

# Every change of a share, with what it rests on.
route_floor_move: Final = Table(
    "route_floor_move",
    metadata,
    Column("id", Id, nullable=False),
    text_column("org"),
    text_column("route"),
    text_column("policy"),
    number_column("at_ns"),
    text_column("move"),  # JSON: legato.routing.floor.freedom.Moved
    PrimaryKeyConstraint("id"),
    Index("route_floor_moves", "org", "route", "id"),
)

# What came of each comparison, as a router learns from it; no text.
route_comparison: Final = Table(
    "route_comparison",
    metadata,
    text_column("org"),
    Column("request_id", Id, nullable=False),  # the caller's
    text_column("route"),
    text_column("choice"),
    text_column("baseline"),
    Column("loss", Integer, nullable=False),
    Column("at_ns", BigInteger, nullable=False, index=True),
    PrimaryKeyConstraint("org", "request_id"),
)

FLOOR_TABLES: Final = frozenset({route_floor.name, route_floor_move.name, route_comparison.name})
