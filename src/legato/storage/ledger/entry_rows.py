"""Turns records into rows, by position: `ENTRY_COLUMNS` and `PLAIN_COLUMNS` give the order."""

from typing import Any

import msgspec
from msgspec.structs import astuple

from legato.core.records import Facts, Intent, Progress, Settled
from legato.core.usage import UsageSource
from legato.economics.waterfall import NO_STEPS, plain_steps, steps_of
from legato.storage.database.windows import period_of
from legato.storage.limits.budget_sets import charged_to

Row = tuple[Any, ...]

UNKNOWN_STATUS = "unknown"
_TAGS_AT = Facts.__struct_fields__.index("tags")
_encode_json = msgspec.json.Encoder().encode


def settled_row(settled: Settled, seq: int) -> Row:
    """Return the plain entry of an attempt; its hold decides the budget window.

    The steps of the waterfall stand behind, where one of them isn't 0.
    """
    cost, baseline = settled.cost, settled.baseline_cost
    steps: Row = ()
    if cost != baseline:
        steps = steps_of(settled.kind, cost, baseline, settled.steps)
        steps = () if steps == NO_STEPS else steps
    return (
        *_facts(settled.facts),
        str(settled.kind),
        seq,
        settled.at_ns,
        period_of(settled.at_ns),
        *astuple(settled.usage),
        str(settled.usage_source),
        cost,
        baseline,
        settled.model_served,
        settled.status,
        settled.http_status,
        settled.total_us,
        settled.first_token_us,
        settled.gateway_us,
        charged_to(settled.budget_id),
        settled.held_at_ns or settled.at_ns,
        *steps,
    )


def unknown_row(intent: Intent, progress: Progress | None) -> Row:
    """Return the provisional entry of an attempt whose outcome was lost: its estimate."""
    best = progress or intent
    return (
        *_facts(intent.facts),
        intent.kind.value,
        0,
        intent.at_ns,
        period_of(intent.at_ns),
        *astuple(best.estimate),
        UsageSource.UNKNOWN.value,
        best.estimated_cost,
        best.estimated_baseline_cost,
        "",
        UNKNOWN_STATUS,
        0,
        0,
        0,
        0,
        charged_to(intent.budget_id),
        intent.at_ns,
        None,
        None,
        True,
        *plain_steps(intent.kind, best.estimated_cost, best.estimated_baseline_cost),
    )


def _facts(facts: Facts) -> Row:
    values = astuple(facts)
    tags = _encode_json(facts.tags).decode() if facts.tags else "{}"
    return (*values[:_TAGS_AT], tags, *values[_TAGS_AT + 1 :])
