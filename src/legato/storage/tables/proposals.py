"""The tables of proposals, as part of `storage.schema`."""

from typing import Final

from sqlalchemy import Column, Index, PrimaryKeyConstraint, Table, Text, UniqueConstraint

from legato.storage.tables.columns import Id, metadata, number_column, text_column

# What a vendor's change would do to an organisation's traffic. No content of a request is in it.
proposal: Final = Table(
    "proposal",
    metadata,
    Column("id", Id, nullable=False),
    text_column("org"),
    text_column("digest"),  # of the fact: the same fact is proposed once
    text_column("kind"),
    text_column("subject"),
    text_column("state"),
    number_column("revision"),  # counts how often its figures were made
    text_column("fact"),  # JSON
    text_column("changes"),  # JSON: what accepting does
    Column("figures", Text),  # JSON, NULL where the twin can't say
    text_column("told"),
    number_column("made_at_ns"),
    number_column("decided_at_ns", nullable=True),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("org", "digest", name="proposal_fact"),
    Index("proposal_org", "org", "id"),
)

# Everything that was done with one; rows are only ever added.
proposal_event: Final = Table(
    "proposal_event",
    metadata,
    Column("id", Id, nullable=False),
    text_column("org"),
    Column("proposal_id", Id, nullable=False),
    number_column("at_ns"),
    text_column("actor"),
    text_column("action"),
    text_column("reason"),
    PrimaryKeyConstraint("id"),
    Index("proposal_event_of", "org", "proposal_id", "id"),
)

PROPOSAL_TABLES: Final = frozenset({proposal.name, proposal_event.name})
