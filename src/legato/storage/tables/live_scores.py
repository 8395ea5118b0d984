"""The tables of scores of live answers, as part of `storage.schema`."""

from typing import Final

from sqlalchemy import Column, Double, Index, LargeBinary, PrimaryKeyConstraint, Table

from legato.storage.tables.columns import Id, metadata, number_column, text_column

# How far each policy is in the captured requests, and which process has it.
live_policy: Final = Table(
    "live_policy",
    metadata,
    text_column("org"),
    text_column("policy"),
    number_column("cursor"),
    text_column("holder"),
    number_column("until_ns"),
    PrimaryKeyConstraint("org", "policy"),
)

live_score: Final = Table(
    "live_score",
    metadata,
    text_column("org"),
    Column("id", Id, nullable=False),
    text_column("policy"),
    text_column("scorer"),
    Column("request_id", Id, nullable=False),
    text_column("versions"),  # which made the answer
    text_column("deployment"),
    number_column("at_ns"),  # when the request arrived
    Column("value", Double),  # none: it couldn't be scored
    Column("sealed", LargeBinary, nullable=False),  # the reason; empty once erased
    number_column("cost", nullable=True),
    number_column("scored_at_ns"),
    PrimaryKeyConstraint("org", "id"),
    Index("live_score_request", "org", "policy", "scorer", "request_id", unique=True),
    Index("live_score_time", "org", "policy", "scored_at_ns"),
)

# What is watched: a scorer's values of one version's answers.
score_watch: Final = Table(
    "score_watch",
    metadata,
    text_column("org"),
    text_column("policy"),
    text_column("scorer"),
    text_column("versions"),
    text_column("watch"),  # JSON of insights.drift.Watch
    PrimaryKeyConstraint("org", "policy", "scorer", "versions"),
)

drift_alarm: Final = Table(
    "drift_alarm",
    metadata,
    text_column("org"),
    Column("id", Id, nullable=False),
    text_column("policy"),
    text_column("scorer"),
    text_column("versions"),
    number_column("at_ns"),
    text_column("evidence"),  # JSON of insights.drift.Drift
    text_column("acknowledged_by"),  # "" while nobody has
    PrimaryKeyConstraint("org", "id"),
)

LIVE_TABLES: Final = frozenset(
    {live_policy.name, live_score.name, score_watch.name, drift_alarm.name}
)
