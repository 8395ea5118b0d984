"""Tables of the financial model: assumptions, and what the gateway can't measure."""

from typing import Final

from sqlalchemy import Column, Index, PrimaryKeyConstraint, Table, UniqueConstraint

from legato.storage.tables.columns import Id, metadata, number_column, text_column

# Rows are only ever added: a new version of a name goes before the older ones from its date on.
# Figures are decimal texts; an empty value takes the name back.
assumption: Final = Table(
    "assumption",
    metadata,
    text_column("org"),
    text_column("name"),
    number_column("version"),
    text_column("tag"),  # measured, assumed, benchmark
    text_column("unit"),
    text_column("value"),
    text_column("low"),
    text_column("high"),
    text_column("source"),
    text_column("valid_from"),  # a date
    text_column("author"),
    number_column("at_ns"),
    PrimaryKeyConstraint("org", "name", "version"),
)


def _entry_table(name: str, *own: Column[int] | Column[str]) -> Table:
    """Rows of a month and a feature with their amount; `usd` is nano-USD."""
    return Table(
        name,
        metadata,
        Column("id", Id, primary_key=True),
        text_column("org"),
        text_column("team"),
        text_column("feature"),
        text_column("period"),  # a month, 2026-08
        *own,
        number_column("usd"),
        text_column("source"),
        text_column("external_id"),
        text_column("author"),
        number_column("at_ns"),
        UniqueConstraint("org", "external_id", name=f"{name}_external"),
        Index(f"{name}_period", "org", "period"),
    )


labour_entry: Final = _entry_table(
    "labour_entry",
    text_column("role"),
    text_column("phase"),  # before, after
    text_column("activity"),  # run, review, build
    number_column("hours_milli"),
    number_column("usd_per_hour"),  # nano-USD, loaded
)
revenue_entry: Final = _entry_table(
    "revenue_entry",
    text_column("currency"),
    number_column("amount"),  # of the currency, times 10^9
    text_column("usd_rate"),
    text_column("rate_source"),
)
benefit_entry: Final = _entry_table(
    "benefit_entry",
    text_column("benefit"),
    number_column("quantity_milli"),
    number_column("usd_each"),  # nano-USD
    text_column("tag"),
)

FINANCE_TABLES: Final = frozenset(
    {assumption.name, labour_entry.name, revenue_entry.name, benefit_entry.name}
)
