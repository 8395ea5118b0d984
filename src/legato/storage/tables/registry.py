"""The tables of the registry, as part of `storage.schema`."""

from typing import Final

from sqlalchemy import (
    Column,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

from legato.storage.tables.columns import Id, metadata, number_column, text_column

# What is changed on purpose: an object, its versions, and labels that point to one of them.
registry_object = Table(
    "registry_object",
    metadata,
    text_column("org"),  # "" for the instance's own
    text_column("kind"),
    text_column("name"),
    text_column("owner"),
    text_column("escalation"),
    text_column("description"),
    number_column("version"),  # counts changes of the three above
    number_column("created_at_ns"),
    PrimaryKeyConstraint("org", "kind", "name"),
)

registry_version = Table(
    "registry_version",
    metadata,
    text_column("org"),
    text_column("kind"),
    text_column("name"),
    text_column("digest"),
    number_column("number"),
    Column("sealed", LargeBinary, nullable=False),
    text_column("author"),
    text_column("reason"),
    number_column("created_at_ns"),
    PrimaryKeyConstraint("org", "kind", "name", "digest"),
    UniqueConstraint("org", "kind", "name", "number", name="registry_version_number"),
    ForeignKeyConstraint(
        ["org", "kind", "name"],
        ["registry_object.org", "registry_object.kind", "registry_object.name"],
    ),
)

# What a version names of others, which may be no object: a route of the configuration.
registry_reference = Table(
    "registry_reference",
    metadata,
    text_column("org"),
    text_column("kind"),
    text_column("name"),
    text_column("digest"),
    text_column("to_kind"),
    text_column("to_name"),
    PrimaryKeyConstraint("org", "kind", "name", "digest", "to_kind", "to_name"),
    Index("registry_reference_to", "org", "to_kind", "to_name"),
)

registry_environment = Table(
    "registry_environment",
    metadata,
    text_column("org"),
    text_column("environment"),
    text_column("truth"),  # database, directory
    text_column("changed_by"),
    number_column("changed_at_ns"),
    PrimaryKeyConstraint("org", "environment"),
)

registry_label = Table(
    "registry_label",
    metadata,
    text_column("org"),
    text_column("environment"),
    text_column("kind"),
    text_column("name"),
    text_column("label"),
    text_column("digest"),
    number_column("moved_at_ns"),
    PrimaryKeyConstraint("org", "environment", "kind", "name", "label"),
)

# Every move of a label, and every wish for one or for a rollout: only `state` and `ended_at_ns`
# ever change.
registry_move = Table(
    "registry_move",
    metadata,
    text_column("org"),
    Column("id", Id, nullable=False),
    text_column("environment"),
    text_column("kind"),
    text_column("name"),
    text_column("label"),
    text_column("from_digest"),  # "" where there was none
    text_column("to_digest"),  # "" takes the label away
    text_column("author"),
    text_column("reason"),
    text_column("state"),
    number_column("approvals_wanted"),
    number_column("asked_at_ns"),
    number_column("ended_at_ns", nullable=True),
    # what is approved of the rollout with this id; "" of a plain move
    Column("rollout_digest", Text, nullable=False, server_default=""),
    PrimaryKeyConstraint("org", "id"),
    Index("registry_move_label", "org", "environment", "kind", "name", "label", "id"),
)

registry_approval = Table(
    "registry_approval",
    metadata,
    text_column("org"),
    Column("move_id", Id, nullable=False),
    text_column("approver"),
    text_column("verdict"),  # approved, rejected
    text_column("reason"),
    number_column("at_ns"),
    PrimaryKeyConstraint("org", "move_id", "approver"),
)

# What a version of a deployment charges, as it was looked up when it was last made to be called.
registry_price = Table(
    "registry_price",
    metadata,
    text_column("org"),
    text_column("name"),
    text_column("digest"),
    Column("price", Text),  # JSON of core.price.Price, NULL where it is unpriced
    Column("batch_price", Text),
    text_column("reason"),  # why it is unpriced
    number_column("priced_at_ns"),
    PrimaryKeyConstraint("org", "name", "digest"),
)

REGISTRY_TABLES: Final = frozenset(name for name in metadata.tables if name.startswith("registry_"))
