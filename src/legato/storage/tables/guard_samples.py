"""The tables of what rules found and people judge, as part of `storage.schema`."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
)

from legato.storage.tables.columns import Id, metadata, number_column, text_column

guard_sample: Final = Table(
    "guard_sample",
    metadata,
    # The columns of core.guard_samples.Sample.
    Column("id", Id, nullable=False),
    number_column("at_ns"),
    Column("expires_at_ns", BigInteger, nullable=False, index=True),
    Column("text_until_ns", BigInteger, nullable=False, index=True),
    text_column("org"),
    Column("request_id", Id, nullable=False),
    text_column("end_user"),  # keyed pseudonym, "" for none
    *[text_column(name) for name in ("policy", "version", "rule", "label", "detector")],
    *[text_column(name) for name in ("action", "mode", "place", "pointer")],
    Column("first", Integer, nullable=False),
    Column("last", Integer, nullable=False),
    Column("score", Double, nullable=False),
    Column("at_least", Double, nullable=False),
    number_column("point"),
    text_column("judgement"),  # "" while it is open
    Column("sealed", LargeBinary, nullable=False),  # core.guard_samples.Excerpt, or nothing
    PrimaryKeyConstraint("id"),
    Index("guard_sample_of", "org", "policy", "rule", "label", "judgement", "point"),
    Index("guard_sample_request", "org", "request_id"),
    Index("guard_sample_user", "org", "end_user"),
)

# Who judged what, when and why; rows are only ever added, and go with their sample.
guard_judgement: Final = Table(
    "guard_judgement",
    metadata,
    Column("id", Id, nullable=False),
    text_column("org"),
    Column("sample_id", Id, nullable=False),
    number_column("at_ns"),
    text_column("actor"),
    text_column("judgement"),
    Column("sealed", LargeBinary, nullable=False),  # the reason, or nothing
    PrimaryKeyConstraint("id"),
    Index("guard_judgement_of", "org", "sample_id", "id"),
)

GUARD_SAMPLE_TABLES: Final = frozenset({guard_sample.name, guard_judgement.name})
