"""The tables of roles, as part of `storage.schema`."""

from typing import Final

from sqlalchemy import Column, Index, PrimaryKeyConstraint, Table, UniqueConstraint

from legato.storage.tables.columns import Id, metadata, number_column, text_column

# Who has which role where. `org` is "*" for the whole instance; "" for a team or feature means
# everything below. The subject is a key, an account or whatever else authenticates.
role_binding: Final = Table(
    "role_binding",
    metadata,
    Column("id", Id, nullable=False),
    text_column("org"),
    text_column("team"),
    text_column("feature"),
    text_column("subject_kind"),
    text_column("subject_id"),
    text_column("role"),
    number_column("created_at_ns"),
    text_column("created_by"),
    PrimaryKeyConstraint("id"),
    UniqueConstraint(
        "subject_kind", "subject_id", "role", "org", "team", "feature", name="role_binding_once"
    ),
    Index("role_binding_org", "org", "id"),
)

# Roles that an organisation made for itself.
custom_role: Final = Table(
    "custom_role",
    metadata,
    text_column("org"),
    text_column("name"),
    text_column("title"),
    text_column("permissions"),  # JSON array
    number_column("created_at_ns"),
    text_column("created_by"),
    PrimaryKeyConstraint("org", "name"),
)

# What keys may use, beside the rules of the configuration. `org` is "" for the whole instance.
access_rule: Final = Table(
    "access_rule",
    metadata,
    text_column("id"),
    text_column("org"),
    text_column("name"),
    text_column("rule"),  # JSON object, as in the configuration
    number_column("created_at_ns"),
    text_column("created_by"),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("org", "name", name="access_rule_name"),
)

ROLE_TABLES: Final = frozenset({role_binding.name, custom_role.name, access_rule.name})
