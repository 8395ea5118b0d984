"""Organisations, their teams, and the features of those; and who may see which rows."""

from sqlalchemy import ColumnElement, Connection, Table, select

from legato.core.ids import IdSource
from legato.core.tenant import Reach, Tenant
from legato.storage.dialect import upsert
from legato.storage.key_records import KeySpec
from legato.storage.schema import feature, organisation, team


def within(reach: Reach, table: Table) -> list[ColumnElement[bool]]:
    """Return the conditions that keep a statement to the tenant's rows of a table."""
    column = table.c.name if table is organisation else table.c.org
    return [column == reach.org] if isinstance(reach, Tenant) else []


def covers(reach: Reach, org: str) -> bool:
    """Whether rows of that organisation are within reach."""
    return not isinstance(reach, Tenant) or reach.org == org


def ensure_place(connection: Connection, spec: KeySpec, now_ns: int, ids: IdSource) -> None:
    """Make the organisation, team and feature of a key where they don't exist yet."""
    made = {"title": "", "version": 1, "created_at_ns": now_ns}
    rows = (
        (organisation, {"name": spec.org}),
        (team, {"org": spec.org, "name": spec.team}),
        (feature, {"org": spec.org, "team": spec.team, "name": spec.feature}),
    )
    for table, names in rows:
        there = select(table.c.id).where(*[table.c[name] == text for name, text in names.items()])
        if connection.execute(there).first() is None:
            row = {"id": ids.new(), **names, **made}
            connection.execute(upsert(connection, table).values(row).on_conflict_do_nothing())
