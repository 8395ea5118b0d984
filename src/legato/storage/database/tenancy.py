"""Whose rows a statement may meet."""

from sqlalchemy import ColumnElement, Table

from legato.core.tenant import Reach, Tenant
from legato.storage.tables.schema import organisation


def within(reach: Reach, table: Table) -> list[ColumnElement[bool]]:
    """Return the conditions that keep a statement to the tenant's rows of a table."""
    column = table.c.name if table is organisation else table.c.org
    return [column == reach.org] if isinstance(reach, Tenant) else []


def covers(reach: Reach, org: str) -> bool:
    """Whether rows of that organisation are within reach."""
    return not isinstance(reach, Tenant) or reach.org == org
