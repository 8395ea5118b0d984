"""The tables of scheduled reports, as part of `storage.schema`."""

from typing import Final

from sqlalchemy import Column, Index, LargeBinary, Table, UniqueConstraint

from legato.storage.tables.columns import Id, metadata, number_column, text_column

report_schedule: Final = Table(
    "report_schedule",
    metadata,
    Column("id", Id, primary_key=True),
    text_column("org"),
    text_column("name"),
    text_column("kind"),
    text_column("form"),
    text_column("cron"),
    text_column("time_zone"),
    text_column("span"),
    text_column("channels"),  # JSON array
    text_column("currency"),
    number_column("next_ns"),
    text_column("author"),
    number_column("at_ns"),
    number_column("removed_at_ns", nullable=True),
    Index("report_schedule_due", "next_ns"),
)

# A report for each time that one was due: made once, with what is told of it, in one transaction.
report_run: Final = Table(
    "report_run",
    metadata,
    Column("id", Id, primary_key=True),
    text_column("org"),
    Column("schedule_id", Id, nullable=False),
    number_column("due_ns"),
    text_column("period"),
    number_column("made_ns"),
    text_column("digest"),  # "" where it couldn't be made
    number_column("event", nullable=True),  # of the audit log
    number_column("size"),
    text_column("told"),  # why it couldn't be made
    Column("document", LargeBinary, nullable=False),
    UniqueConstraint("schedule_id", "due_ns", name="report_run_due"),
    Index("report_run_made", "made_ns"),
)

SCHEDULE_TABLES: Final = frozenset({report_schedule.name, report_run.name})
