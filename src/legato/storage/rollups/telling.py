"""Queries as people can read and repeat them: each a line of JSON beside the figures it made."""

import msgspec

from legato.storage.database.windows import day_text
from legato.storage.rollups.reading import Span, SpendQuery

_TABLES = {"user": "spend_user_day", "run": "spend_run_day", "workflow": "spend_workflow_day"}


def days_text(span: Span) -> str:
    """Write the first and the last day of a span of days: `2026-11-01..2026-11-30`."""
    return f"{day_text(span.first)}..{day_text(span.end - 1)}"


def query_text(query: SpendQuery) -> str:
    """Say what is summed, of which days, split and narrowed how."""
    names = {*query.by, *query.where}
    table = next((table for name, table in _TABLES.items() if name in names), "spend_day")
    said = {
        "sum": list(query.measures),
        "of": f"{table} and ledger_entry behind its mark",
        "days": days_text(query.span),
        "by": list(query.by),
        "where": {name: list(values) for name, values in query.where.items()},
    }
    return msgspec.json.encode(said).decode()
