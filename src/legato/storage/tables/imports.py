"""Tables of what other reports say was used. No content: of questions only counts are kept."""

from typing import Final

from sqlalchemy import Column, Index, Table, Text, UniqueConstraint

from legato.core.usage import TOKEN_CLASSES
from legato.storage.tables.columns import RowId, metadata, number_column, text_column

usage_import = Table(
    "usage_import",
    metadata,
    Column("id", Text, primary_key=True),
    text_column("org"),
    text_column("source"),
    text_column("name"),
    text_column("digest"),
    number_column("at_ns"),
    number_column("start_ns"),
    number_column("end_ns"),
    number_column("lines"),
    number_column("skipped"),
    number_column("bad"),
    number_column("rows"),
    number_column("calls"),
    text_column("problems"),  # JSON array
    text_column("repeats"),  # JSON object
    UniqueConstraint("org", "digest", name="usage_import_once"),
)

# Amounts are nano of the row's currency; a sum of `cost` covers `costed` of its `lines`.
imported_usage = Table(
    "imported_usage",
    metadata,
    Column("id", RowId, primary_key=True),
    text_column("org"),
    text_column("import_id"),
    text_column("source"),
    text_column("vendor"),
    text_column("account"),
    text_column("project"),
    text_column("key"),
    text_column("model"),
    text_column("service"),
    text_column("sku"),
    text_column("region"),
    text_column("tier"),
    text_column("unit"),
    text_column("currency"),
    text_column("charge"),
    text_column("invoice"),
    text_column("tags"),  # JSON object
    number_column("start_ns"),
    number_column("end_ns"),
    number_column("lines"),
    number_column("costed"),
    number_column("counted"),
    number_column("requests"),
    number_column("cost"),
    number_column("list_cost", nullable=True),
    number_column("amortised_cost", nullable=True),
    text_column("quantity"),
    *(number_column(name) for name in TOKEN_CLASSES),
    text_column("alike"),  # digest of what its lines have in common: finds it in other imports
    Index("imported_usage_import", "import_id"),
    Index("imported_usage_alike", "org", "alike"),
    Index("imported_usage_time", "org", "start_ns"),
)

IMPORT_TABLES: Final = frozenset({usage_import.name, imported_usage.name})
