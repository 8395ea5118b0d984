"""The tables of what decisions were made by, as part of `storage.schema`."""

from typing import Final

from sqlalchemy import Column, Table, Text

from legato.storage.tables.columns import metadata, number_column, text_column

# Configurations that were in force, without secrets.
config_version: Final = Table(
    "config_version",
    metadata,
    Column("content_hash", Text, primary_key=True),
    number_column("at_ns"),
    text_column("config"),  # JSON of core.config.Config
)

# Routes as workers had them.
route_facts: Final = Table(
    "route_facts",
    metadata,
    Column("digest", Text, primary_key=True),
    number_column("at_ns"),
    text_column("facts"),  # JSON of core.decisions.RouteFacts
)

DECIDED_TABLES: Final = frozenset({config_version.name, route_facts.name})
