"""The tables of sums over the ledger, as part of `storage.schema`.

`bucket` is the hour or the day of an entry, counted from the epoch, in UTC.
"""

from typing import Final

from sqlalchemy import BigInteger, Column, Index, PrimaryKeyConstraint, Table, Text

from legato.core.usage import USAGE_CLASSES
from legato.economics.waterfall import STEP_COLUMNS
from legato.storage.tables.columns import Id, metadata, number_column

LATENCY_BOUNDS_MS: Final = (
    10, 25, 50, 100, 200, 350, 500, 750, 1_000, 1_500, 2_500, 5_000, 10_000, 30_000,
)  # fmt: skip
"""Attempts faster than each; all others took longer than the last."""
LATENCY_COLUMNS: Final = tuple(f"under_{bound}_ms" for bound in LATENCY_BOUNDS_MS)
DIMENSIONS: Final = (
    "org", "team", "feature", "key_id", "route", "deployment", "provider", "model", "region",
    "kind", "outcome", "arm",
)  # fmt: skip
USER_DIMENSIONS: Final = ("org", "team", "feature", "end_user")
RUN_DIMENSIONS: Final = ("org", "team", "feature", "workflow", "run")
WORKFLOW_DIMENSIONS: Final = (
    "org", "team", "feature", "workflow", "route", "provider", "kind", "outcome",
)  # fmt: skip
COUNTS: Final = ("entries", "requests", "attempts", "unpriced", "provisional")
OF_ANSWERS: Final = ("cheaper", "removed_tokens")
"""Answers that routing made cheaper, and what was left out of inputs, estimated."""
AMOUNTS: Final = ("cost", "baseline_cost", *STEP_COLUMNS)
DURATIONS: Final = ("total_us", "first_token_us", "gateway_us")
MEASURES: Final = (*COUNTS, *AMOUNTS, *USAGE_CLASSES, *DURATIONS, *LATENCY_COLUMNS, *OF_ANSWERS)
USER_MEASURES: Final = (*COUNTS, "cost", "baseline_cost", "input_tokens", "output_tokens")


def _measure(name: str) -> Column[int]:
    later = "0" if name in OF_ANSWERS else None
    return Column(name, BigInteger, nullable=False, server_default=later)


def _rollup(name: str, dimensions: tuple[str, ...], measures: tuple[str, ...]) -> Table:
    return Table(
        name,
        metadata,
        number_column("bucket"),
        *[Column(one, Text, nullable=False) for one in dimensions],
        *[_measure(one) for one in measures],
        PrimaryKeyConstraint("bucket", *dimensions),
        sqlite_with_rowid=False,
    )


spend_hour: Final = _rollup("spend_hour", DIMENSIONS, MEASURES)
spend_day: Final = _rollup("spend_day", DIMENSIONS, MEASURES)
spend_user_day: Final = _rollup("spend_user_day", USER_DIMENSIONS, USER_MEASURES)

# Of entries that a tag `run` gives to a run of a workflow, here or elsewhere.
spend_run_day: Final = _rollup("spend_run_day", RUN_DIMENSIONS, USER_MEASURES)
spend_workflow_day: Final = _rollup("spend_workflow_day", WORKFLOW_DIMENSIONS, MEASURES)


def _last_day(name: str, whose: tuple[str, ...]) -> Table:
    return Table(
        name,
        metadata,
        *[Column(one, Text, nullable=False) for one in whose],
        number_column("bucket"),
        PrimaryKeyConstraint(*whose),
        Index(f"{name}_bucket", "bucket", *whose),
        sqlite_with_rowid=False,
    )


# On which day each spent last, of those that the sums above are kept for.
user_last_day: Final = _last_day("user_last_day", ("org", "end_user"))
run_last_day: Final = _last_day("run_last_day", ("org", "run"))

# Up to which entry each is, and from which bucket on rows are kept.
rollup_mark: Final = Table(
    "rollup_mark",
    metadata,
    Column("name", Id, primary_key=True),
    number_column("entry_id"),
    number_column("kept_from"),
)
ROLLUP_TABLES: Final = frozenset(
    table.name
    for table in (
        spend_hour,
        spend_day,
        spend_user_day,
        spend_run_day,
        spend_workflow_day,
        user_last_day,
        run_last_day,
        rollup_mark,
    )
)
