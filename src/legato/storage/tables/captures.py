"""The tables of captured requests, as part of `storage.schema`."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

from legato.storage.tables.columns import Id, RowId, metadata, number_column, text_column

capture: Final = Table(
    "capture",
    metadata,
    Column("id", RowId, primary_key=True),
    # The head, in the order of core.captured.CapturedHead.
    Column("request_id", Id, nullable=False),
    number_column("at_ns"),
    Column("expires_at_ns", BigInteger, nullable=False, index=True),
    *[text_column(name) for name in ("org", "team", "feature", "key_id")],
    text_column("end_user"),  # keyed pseudonym, "" for none
    text_column("tags"),  # JSON object
    *[text_column(name) for name in ("surface", "model_requested", "route", "deployment")],
    *[text_column(name) for name in ("model_served", "versions", "arm")],
    Column("http_status", Integer, nullable=False),
    text_column("error_code"),
    Column("stream", Boolean, nullable=False),
    text_column("cache"),
    Column("cost", BigInteger),
    Column("baseline_cost", BigInteger),
    number_column("input_tokens"),
    number_column("output_tokens"),
    number_column("total_us"),
    Column("point", Integer, nullable=False),  # core.captured.sample_point
    number_column("content_bytes"),
    Column("sealed", LargeBinary, nullable=False),
    UniqueConstraint("org", "request_id", name="capture_request"),
    Index("capture_org", "org", "id"),
    Index("capture_user", "org", "end_user"),
    # A cursor names a row: no number comes again after its row was forgotten.
    sqlite_autoincrement=True,
)

# Users who were forgotten: what of theirs still waits on a disk is not taken in.
capture_erasure: Final = Table(
    "capture_erasure",
    metadata,
    text_column("org"),
    Column("end_user", Text, nullable=False),
    Column("at_ns", BigInteger, nullable=False, index=True),
    PrimaryKeyConstraint("org", "end_user"),
)

CAPTURE_TABLES: Final = frozenset({capture.name, capture_erasure.name})
