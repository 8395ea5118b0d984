"""The tables of agents, as part of `storage.schema`."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
)

from legato.storage.tables.columns import Id, metadata, number_column, text_column

# What an agent noted for later turns or runs; its text only sealed.
agent_note: Final = Table(
    "agent_note",
    metadata,
    text_column("org"),
    Column("id", Id, nullable=False),  # digest of the step that wrote it: written once
    text_column("workflow"),
    text_column("scope"),  # run, user, workflow
    text_column("whose"),  # keyed digest of the memory's key
    Column("run_id", Id, nullable=False),
    text_column("end_user"),  # keyed pseudonym, "" for none
    number_column("at_ns"),
    Column("expires_at_ns", BigInteger, nullable=False, index=True),
    Column("sealed", LargeBinary, nullable=False),
    PrimaryKeyConstraint("org", "id"),
    Index("agent_note_of", "org", "workflow", "scope", "whose", "at_ns"),
    Index("agent_note_user", "org", "end_user"),
)

# A calibration of confidences, fitted to labelled outcomes; figures only.
confidence_calibration: Final = Table(
    "confidence_calibration",
    metadata,
    text_column("org"),
    text_column("name"),
    number_column("at_ns"),
    text_column("author"),
    text_column("form"),  # as_is, stairs, platt
    text_column("knots"),  # JSON list of pairs
    number_column("items"),
    number_column("correct"),
    *[
        Column(name, Double, nullable=False)
        for name in ("ece_stated", "ece", "brier_stated", "brier")
    ],
    Column("told", Text, nullable=False),
    PrimaryKeyConstraint("org", "name"),
)

AGENT_TABLES: Final = frozenset({agent_note.name, confidence_calibration.name})
