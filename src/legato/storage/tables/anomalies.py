"""The table of anomalies of spend, as part of `storage.schema`."""

from typing import Final

from sqlalchemy import BigInteger, Column, Double, Table, UniqueConstraint

from legato.storage.tables.columns import Id, metadata, number_column, text_column

# Hours in which a feature spent what is unusual for the hour of the week. Amounts are nano-USD;
# hours count from the epoch, in UTC.
anomaly: Final = Table(
    "anomaly",
    metadata,
    Column("id", Id, primary_key=True),
    text_column("org"),
    text_column("team"),
    text_column("feature"),
    number_column("first_hour"),
    number_column("last_hour"),
    Column("found_at_ns", BigInteger, nullable=False, index=True),
    number_column("cost"),
    number_column("expected"),
    Column("z", Double, nullable=False),
    number_column("reference_hour"),  # where the hours begin that it is explained against
    number_column("reference_cost"),
    text_column("parts"),  # JSON: what each factor brought; they come to cost - reference_cost
    text_column("model"),  # which changed most
    text_column("acknowledged_by"),  # "" while nobody has
    UniqueConstraint("org", "team", "feature", "first_hour", name="anomaly_place"),
)

ANOMALY_TABLES: Final = frozenset({anomaly.name})
