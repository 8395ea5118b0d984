"""Whose rows a statement may meet."""

from sqlalchemy import ColumnElement, Table, and_, or_

from legato.core.errors import Forbidden
from legato.core.tenant import Area, Areas, Reach, Tenant
from legato.storage.tables.schema import feature, organisation, team


def within(reach: Reach, table: Table) -> list[ColumnElement[bool]]:
    """Return the conditions that keep a statement to the rows of a table within reach.

    Raises:
        Forbidden: the reach is below organisations, and the table tells these apart only.
    """
    if isinstance(reach, Tenant):
        return [_org(table) == reach.org]
    if isinstance(reach, Areas):
        narrowed = [_inside(area, table) for area in reach.areas]
        found = [one for one in narrowed if one is not None]
        if not found:
            msg = "This is kept by organisation: it needs a role over all of it, not over a team."
            raise Forbidden(msg)
        return [or_(*found)]
    return []


def orgs_within(reach: Reach, table: Table) -> list[ColumnElement[bool]]:
    """Return conditions on organisations alone, for rows that are narrowed once they are read."""
    if isinstance(reach, Areas):
        return [table.c.org.in_({area.org for area in reach.areas})]
    return within(reach, table)


def _inside(area: Area, table: Table) -> ColumnElement[bool] | None:
    """Return the condition for one area; None where the table can't be narrowed to it."""
    found = [_org(table) == area.org]
    for level, name in (("team", area.team), ("feature", area.feature)):
        if not name:
            continue
        column = _level(table, level)
        if column is None:
            return None
        found.append(column == name)
    return and_(*found)


def _org(table: Table) -> ColumnElement[str]:
    column: ColumnElement[str] = table.c.name if table is organisation else table.c.org
    return column


def _level(table: Table, level: str) -> "ColumnElement[str] | None":
    """Return the column that names the team or feature of a row, None where none does."""
    own = {team: "team", feature: "feature"}.get(table)
    found: ColumnElement[str] | None = table.c.get("name" if own == level else level)
    return found
