"""The registry: objects, versions, labels, moves; and which versions made a ledger entry."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    for column in ("versions", "arm"):
        op.add_column("ledger_entry", sa.Column(column, sa.Text, nullable=False, server_default=""))
    _objects()
    _labels()


def _objects() -> None:
    op.create_table(
        "registry_object",
        *_texts("org", "kind", "name", "owner", "escalation", "description"),
        *_numbers("version", "created_at_ns"),
        sa.PrimaryKeyConstraint("org", "kind", "name"),
    )
    op.create_table(
        "registry_version",
        *_texts("org", "kind", "name", "digest"),
        *_numbers("number"),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        *_texts("author", "reason"),
        *_numbers("created_at_ns"),
        sa.PrimaryKeyConstraint("org", "kind", "name", "digest"),
        sa.UniqueConstraint("org", "kind", "name", "number", name="registry_version_number"),
        sa.ForeignKeyConstraint(
            ["org", "kind", "name"],
            ["registry_object.org", "registry_object.kind", "registry_object.name"],
        ),
    )
    op.create_table(
        "registry_reference",
        *_texts("org", "kind", "name", "digest", "to_kind", "to_name"),
        sa.PrimaryKeyConstraint("org", "kind", "name", "digest", "to_kind", "to_name"),
    )
    op.create_index("registry_reference_to", "registry_reference", ["org", "to_kind", "to_name"])


def _labels() -> None:
    op.create_table(
        "registry_environment",
        *_texts("org", "environment", "truth", "changed_by"),
        *_numbers("changed_at_ns"),
        sa.PrimaryKeyConstraint("org", "environment"),
    )
    op.create_table(
        "registry_label",
        *_texts("org", "environment", "kind", "name", "label", "digest"),
        *_numbers("moved_at_ns"),
        sa.PrimaryKeyConstraint("org", "environment", "kind", "name", "label"),
    )
    op.create_table(
        "registry_move",
        *_texts("org"),
        sa.Column("id", _ID, nullable=False),
        *_texts(
            "environment", "kind", "name", "label", "from_digest", "to_digest", "author", "reason"
        ),
        *_texts("state"),
        *_numbers("approvals_wanted", "asked_at_ns"),
        sa.Column("ended_at_ns", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("org", "id"),
    )
    op.create_index(
        "registry_move_label",
        "registry_move",
        ["org", "environment", "kind", "name", "label", "id"],
    )
    op.create_table(
        "registry_approval",
        *_texts("org"),
        sa.Column("move_id", _ID, nullable=False),
        *_texts("approver", "verdict", "reason"),
        *_numbers("at_ns"),
        sa.PrimaryKeyConstraint("org", "move_id", "approver"),
    )


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _numbers(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger, nullable=False) for name in names]
