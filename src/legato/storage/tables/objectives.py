"""The tables of objectives and incidents, as part of `storage.schema`."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
)

from legato.storage.tables.columns import Id, metadata, number_column, origin_column, text_column

# What share of requests is to go well. Each change is a version of its own; the highest is in
# force, unless it is retired.
objective: Final = Table(
    "objective",
    metadata,
    text_column("org"),
    text_column("name"),
    number_column("version"),
    text_column("measured"),  # errors, latency, cost
    number_column("target_ppm"),
    number_column("limit"),  # ms, nano-USD, 0
    text_column("route"),  # "" for all
    text_column("team"),
    text_column("feature"),
    number_column("period_days"),
    number_column("events_min"),
    text_column("runbook"),
    text_column("author"),
    number_column("at_ns"),
    Column("retired", Boolean, nullable=False),
    number_column("counted_to"),  # the last block of traces that is counted in
    PrimaryKeyConstraint("org", "name", "version"),
)

# Events of an objective's version by minute and by day, counted from the epoch, in UTC.
objective_count: Final = Table(
    "objective_count",
    metadata,
    text_column("org"),
    text_column("name"),
    number_column("version"),
    number_column("minutes"),  # how long a bucket is
    number_column("bucket"),
    number_column("total"),
    number_column("bad"),
    PrimaryKeyConstraint("org", "name", "version", "minutes", "bucket"),
    sqlite_with_rowid=False,
)

# When an objective's error budget burnt too fast; open while `closed_at_ns` is NULL.
burn_alert: Final = Table(
    "burn_alert",
    metadata,
    Column("id", Id, primary_key=True),
    text_column("org"),
    text_column("team"),
    text_column("feature"),
    text_column("route"),
    text_column("name"),
    number_column("version"),
    text_column("window"),
    Column("pages", Boolean, nullable=False),
    number_column("began_at_ns"),
    Column("opened_at_ns", BigInteger, nullable=False, index=True),
    number_column("closed_at_ns", nullable=True),
    Column("burn_long", Double, nullable=False),
    Column("burn_short", Double, nullable=False),
    number_column("total"),
    number_column("bad"),
    Index("burn_alert_objective", "org", "name", "window"),
)

# What somebody has to deal with: what began it, who took it on, when it was over. `org` is ""
# for what concerns the instance.
incident: Final = Table(
    "incident",
    metadata,
    Column("id", Id, primary_key=True),
    text_column("org"),
    text_column("team"),
    text_column("feature"),
    text_column("source"),  # burn, anomaly, breaker, person
    text_column("subject"),  # the objective, the feature or the deployment
    text_column("source_id"),  # the alert, the anomaly
    text_column("severity"),
    text_column("title"),
    text_column("cause"),  # integration, model, data; "" while nobody knows
    text_column("runbook"),
    text_column("state"),  # open, acknowledged, resolved
    number_column("began_at_ns"),
    Column("opened_at_ns", BigInteger, nullable=False, index=True),
    number_column("acknowledged_at_ns", nullable=True),
    text_column("acknowledged_by"),
    number_column("resolved_at_ns", nullable=True),
    text_column("resolved_by"),
    text_column("note"),
    Column("sealed", LargeBinary, nullable=True),  # title and note, where a person wrote them
    origin_column("origin_user"),  # the pseudonym of who opened it, of the incident's organisation
    origin_column("closing_user"),  # likewise of who resolved it, where that is somebody else
    Index("incident_source", "source", "source_id"),
    Index("incident_state", "state", "org"),
)

OBJECTIVE_TABLES: Final = frozenset(
    {objective.name, objective_count.name, burn_alert.name, incident.name}
)
