"""The tables of what begins runs by itself, as part of `storage.schema`."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
)

from legato.storage.tables.columns import Id, metadata, number_column, text_column

# How each trigger stands: who listens for it, and what came of what it heard.
trigger_state: Final = Table(
    "trigger_state",
    metadata,
    text_column("org"),
    text_column("workflow"),
    text_column("name"),
    Column("paused", Boolean, nullable=False),
    text_column("holder"),  # the process that listens
    number_column("until_ns"),
    number_column("fired_ns"),  # of a schedule: up to when its times have begun runs
    number_column("received"),
    number_column("started"),
    number_column("duplicates"),
    number_column("passed_over"),  # its condition didn't hold, or an overlap was skipped
    number_column("dead"),
    number_column("heard_ns", nullable=True),
    number_column("lag_ns", nullable=True),  # of the last event, from its own time
    text_column("trouble"),  # why it doesn't listen, "" where it does
    number_column("trouble_ns", nullable=True),
    PrimaryKeyConstraint("org", "workflow", "name"),
)

# What was heard already, by a digest of source and id.
trigger_event: Final = Table(
    "trigger_event",
    metadata,
    text_column("org"),
    text_column("workflow"),
    text_column("name"),
    Column("digest", LargeBinary, nullable=False),
    text_column("run_id"),  # that it begins, or began; "" where it began none
    Column("settled", Boolean, nullable=False),  # whether that is done
    Column("at_ns", BigInteger, nullable=False, index=True),
    PrimaryKeyConstraint("org", "workflow", "name", "digest"),
)

# Messages that never became runs.
trigger_letter: Final = Table(
    "trigger_letter",
    metadata,
    text_column("org"),
    Column("id", Id, nullable=False),
    text_column("workflow"),
    text_column("name"),
    text_column("reason"),  # a code
    text_column("state"),  # open, redriven, dismissed
    text_column("run_id"),  # that it became after all
    number_column("attempts"),
    Column("sealed", LargeBinary, nullable=False),  # what was heard, and why it failed
    number_column("at_ns"),
    number_column("ended_at_ns", nullable=True),
    PrimaryKeyConstraint("org", "id"),
    Index("trigger_letter_state", "org", "state", "id"),
)

TRIGGER_TABLES: Final = frozenset(
    one.name for one in (trigger_state, trigger_event, trigger_letter)
)
