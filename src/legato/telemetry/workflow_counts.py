"""What runs of workflows came to and what triggers heard, as metrics."""

from collections.abc import Iterator

import msgspec
from prometheus_client.core import Metric

from legato.telemetry.families import (
    Histogram,
    Key,
    add,
    counter_family,
    histogram_family,
    merge_histograms,
    observe,
)

_US = 1e6


class WorkflowCounts(msgspec.Struct):
    """One process's numbers, by the values of their labels."""

    events: dict[Key, int] = {}  # kind of trigger, result
    lags: dict[Key, Histogram] = {}  # kind of trigger
    started: dict[Key, int] = {}  # workflow
    ended: dict[Key, int] = {}  # workflow, status
    steps: dict[Key, Histogram] = {}  # state

    def heard(self, kind: str, what: str, lag_s: float | None) -> None:
        """Count an event by what became of it; how long it was under way, where it says when."""
        add(self.events, (kind, what), 1)
        if lag_s is not None:
            observe(self.lags, (kind,), int(lag_s * _US))

    def add(self, part: "WorkflowCounts") -> None:
        """Add another process's."""
        for name in ("events", "started", "ended"):
            into = getattr(self, name)
            for key, value in getattr(part, name).items():
                add(into, key, value)
        for name in ("lags", "steps"):
            merge_histograms(getattr(self, name), getattr(part, name))


def workflow_metrics(counts: WorkflowCounts) -> Iterator[Metric]:
    """Yield them."""
    yield counter_family(
        "legato_workflow_runs_started", "Runs that began", ("workflow",), counts.started
    )
    yield counter_family(
        "legato_workflow_runs_ended",
        "Runs that ended, by how",
        ("workflow", "status"),
        counts.ended,
    )
    yield histogram_family(
        "legato_workflow_step_seconds",
        "From a step's beginning to its end, what it waited for included",
        ("state",),
        counts.steps,
    )
    yield counter_family(
        "legato_trigger_events",
        "Events that triggers heard, by what became of them",
        ("kind", "result"),
        counts.events,
    )
    yield histogram_family(
        "legato_trigger_lag_seconds",
        "From an event's own time to its run",
        ("kind",),
        counts.lags,
    )
