"""The tables of answers that people review, and of how judges agree with them."""

from typing import Final

from sqlalchemy import (
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    text,
)

from legato.storage.tables.columns import Id, metadata, number_column, origin_column, text_column

review_item: Final = Table(
    "review_item",
    metadata,
    text_column("org"),
    Column("id", Id, nullable=False),
    text_column("judge"),  # the name of the judge whose rubric is asked
    text_column("source"),  # where it is from: `api`, `import`, `evaluation:ID`, `request:ID`
    Column("sealed", LargeBinary, nullable=False),
    Column("labels_wanted", Integer, nullable=False),
    Column("labels_given", Integer, nullable=False),
    number_column("created_at_ns"),
    origin_column("origin_request"),
    origin_column("origin_user"),
    PrimaryKeyConstraint("org", "id"),
    Index("review_item_open", "org", "judge", "id",
          sqlite_where=text("labels_given < labels_wanted")),
)  # fmt: skip

# Who has an item before them, until when: nobody else gets it meanwhile.
review_claim: Final = Table(
    "review_claim",
    metadata,
    text_column("org"),
    Column("item_id", Id, nullable=False),
    text_column("reviewer"),
    number_column("until_ns"),
    PrimaryKeyConstraint("org", "item_id", "reviewer"),
)

# What somebody said of an item; one who skipped it isn't asked again.
review_label: Final = Table(
    "review_label",
    metadata,
    text_column("org"),
    Column("item_id", Id, nullable=False),
    text_column("reviewer"),
    Column("skipped", Boolean, nullable=False),
    text_column("levels"),  # JSON object: a level for each criterion
    Column("sealed", LargeBinary, nullable=False),  # comment and correction
    number_column("at_ns"),
    PrimaryKeyConstraint("org", "item_id", "reviewer"),
)

judge_record: Final = Table(
    "judge_record",
    metadata,
    text_column("org"),
    Column("id", Id, nullable=False),
    text_column("judge"),
    text_column("digest"),  # of the judge's version
    text_column("author"),
    number_column("at_ns"),
    text_column("record"),  # JSON of judging.labels.Record: figures only
    PrimaryKeyConstraint("org", "id"),
    Index("judge_record_version", "org", "judge", "digest", "id"),
)

REVIEW_TABLES: Final = frozenset(
    {review_item.name, review_claim.name, review_label.name, judge_record.name}
)
