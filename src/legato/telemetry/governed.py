"""Who signs in, what comes of budgets, how controls stand, as metrics."""

from collections.abc import Iterator, Mapping
from typing import Protocol

from prometheus_client.core import Metric

from legato.telemetry.families import Key, counter_family, gauge_family


class Governed(Protocol):
    """The numbers, by the values of their labels."""

    @property
    def sign_ins(self) -> Mapping[Key, int]:
        """By method and result."""
        ...

    @property
    def budget_events(self) -> Mapping[Key, int]:
        """By organisation, budget and what came of it."""
        ...

    @property
    def compliance(self) -> Mapping[Key, int]:
        """By framework, control and status."""
        ...


def governance_metrics(counts: Governed) -> Iterator[Metric]:
    """Yield them."""
    yield counter_family(
        "legato_sign_ins",
        "Attempts to sign in to the control API, by what became of them",
        ("method", "result"),
        counts.sign_ins,
    )
    yield counter_family(
        "legato_budget_events",
        "Steps of budgets that were reached, and windows in which a budget refused calls",
        ("org", "budget", "what"),
        counts.budget_events,
    )
    failing: dict[Key, float] = {
        (framework, control): 1
        for framework, control, status in counts.compliance
        if status == "fail"
    }
    yield gauge_family(
        "legato_compliance_control_failing",
        "1 for each control of which a live check fails",
        ("framework", "control"),
        failing,
    )
    sums: dict[Key, float] = {}
    for framework, _, status in counts.compliance:
        sums[framework, status] = sums.get((framework, status), 0) + 1
    yield gauge_family(
        "legato_compliance_controls",
        "Controls by how their live checks stand",
        ("framework", "status"),
        sums,
    )
