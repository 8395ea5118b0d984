"""Sums by workflow and by its runs, which begin empty; goals of KPIs for a workflow."""

import sqlalchemy as sa
from alembic import op

revision = "0071"
down_revision = "0070"

_COUNTS = ("entries", "requests", "attempts", "unpriced", "provisional")
_STEPS = ("cache", "shortening", "routing", "prompt_cache", "tier", "overhead")
_TOKENS = (
    "in_uncached", "cache_read", "cache_write_5m", "cache_write_1h", "out_text", "reasoning",
    "audio_in", "audio_out", "image_in", "image_out", "units",
)  # fmt: skip
_BOUNDS = (10, 25, 50, 100, 200, 350, 500, 750, 1_000, 1_500, 2_500, 5_000, 10_000, 30_000)
_MEASURES = (
    *_COUNTS,
    "cost",
    "baseline_cost",
    *[f"step_{name}" for name in _STEPS],
    *_TOKENS,
    *("total_us", "first_token_us", "gateway_us"),
    *[f"under_{bound}_ms" for bound in _BOUNDS],
)
_OF_RUNS = (*_COUNTS, "cost", "baseline_cost", "input_tokens", "output_tokens")
_WORKFLOW = ("org", "team", "feature", "workflow", "route", "provider", "kind", "outcome")
_GOAL = ("org", "kpi", "team", "feature", "workflow", "version")
_SAID = ("baseline", "target", "note", "author")


def upgrade() -> None:
    later = [
        sa.Column(name, sa.BigInteger, nullable=False, server_default="0")
        for name in ("cheaper", "removed_tokens")
    ]
    for name, dimensions, measures, others in (
        ("spend_run_day", ("org", "team", "feature", "workflow", "run"), _OF_RUNS, []),
        ("spend_workflow_day", _WORKFLOW, _MEASURES, later),
    ):
        op.create_table(
            name,
            sa.Column("bucket", sa.BigInteger, nullable=False),
            *[sa.Column(one, sa.Text, nullable=False) for one in dimensions],
            *[sa.Column(one, sa.BigInteger, nullable=False) for one in measures],
            *others,
            sa.PrimaryKeyConstraint("bucket", *dimensions),
            sqlite_with_rowid=False,
        )
    workflow = sa.Column("workflow", sa.Text, nullable=False, server_default="")
    if op.get_bind().dialect.name == "postgresql":
        op.add_column("kpi_goal", workflow)
        op.drop_constraint("kpi_goal_pkey", "kpi_goal")
        op.create_primary_key("kpi_goal_pkey", "kpi_goal", list(_GOAL))
    else:
        _replace(workflow)


def _replace(workflow: "sa.Column[str]") -> None:
    """SQLite can't change a primary key: make the table anew with what is in it."""
    op.create_table(
        "kpi_goal_next",
        *[sa.Column(name, sa.Text, nullable=False) for name in ("org", "kpi", "team", "feature")],
        workflow,
        sa.Column("version", sa.BigInteger, nullable=False),
        *[sa.Column(name, sa.Text, nullable=False) for name in _SAID],
        sa.Column("since_day", sa.BigInteger, nullable=True),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint(*_GOAL),
    )
    kept = ", ".join(("org", "kpi", "team", "feature", "version", *_SAID, "since_day", "at_ns"))
    op.execute(f"INSERT INTO kpi_goal_next ({kept}) SELECT {kept} FROM kpi_goal")  # noqa: S608 - ours
    op.drop_table("kpi_goal")
    op.rename_table("kpi_goal_next", "kpi_goal")
