"""The reference names what telemetry shows: every metric and every span attribute."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from legato.app.caches.cache_readings import bound_readings
from legato.app.models.deployment_loads import load_readings
from legato.app.models.floors import freedom_readings
from legato.core.config_cache import SemanticCache
from legato.core.records import Served
from legato.core.usage import Usage
from legato.gateway.loads import LoadState
from legato.matching.tally import Tally
from legato.telemetry.families import observe
from legato.telemetry.metrics import Meters, exposition
from legato.telemetry.spans import spans_of

if TYPE_CHECKING:
    from prometheus_client import Metric

TELEMETRY = (Path(__file__).parents[2] / "docs" / "reference" / "telemetry.md").read_text()
SERVED = Served(
    "0" * 31 + "1", 0, "o", "t", "f", "k", "messages", "chat", "d", "p", "m", 1, 502, "x", True,
    "miss", 5, 10, 5, 5, (("call", 4),), "1" * 32, "2" * 16, True, Usage(in_uncached=1),
)  # fmt: skip


def exposed(folder: Path) -> list[Metric]:
    """Every metric, each with a sample, so that its labels show."""
    meters = Meters(folder / "metrics-0.bin")
    meters.request(("messages", "chat", "d", "200", "miss"), latency_us=1, overhead_us=1)
    meters.first_byte("d", 1)
    meters.spent(("t", "f", "d"), tokens=(1, 1), cost=1, baseline=1)
    meters.spent(("t", "f", "d"), tokens=(1, 1), cost=None, baseline=None)
    meters.failure("d", "provider_timeout")
    meters.traces("exported", 1)
    meters.trace_lost()
    meters.captures("kept", 1)
    meters.semantic("chat", "hit")
    meters.semantic_saved("chat", 1)
    meters.rule("chat", "urgent", "decided")
    meters.answer_check("leaks.canary", "block", 1)
    meters.sign_in("password", "failed")
    meters.budget_events({("acme", "all", "warn"): 1})
    meters.compliance({("gdpr", "Art. 17"): "fail"})
    meters.drift({("p", "s", "v"): True})
    meters.comparison("chat", "equal")
    meters.guardrail(("guardrail/p", "r", "block", "enforce"))
    meters.detector("structured", "closed")
    meters.looked_up("customer_tier", "kept")
    meters.restored(1, 1)
    meters.queued("chat", "placed", 5_000)
    meters.queued("chat", "late", 5_000)
    meters.counts.queue_depth = {("chat",): 2}
    meters.gauge("open_requests", 1)
    meters.gauge("lease_store_workers", 1)
    meters.gauge("audit_events", 1)
    meters.audit_append(100)
    meters.audit_export_failed("siem", "unreachable")
    meters.notification("mail", "sent")
    meters.gauge("anomalies_open", 1)
    meters.counts.objectives = {("default", "answers"): 0.9}
    meters.trigger("mqtt", "started", 0.1)
    meters.counts.workflows.started = {("refunds",): 1}
    meters.counts.workflows.ended = {("refunds", "done"): 1}
    observe(meters.counts.workflows.steps, ("done",), 1_000)
    for name in ("objectives_burning", "incidents_open", "incidents_acknowledged"):
        meters.gauge(name, 0)
    for what in ("timestamp_seconds", "lag_events", "forked"):
        meters.audit_export("siem", what, 1)
    loads = load_readings({"d": LoadState(1, 1, None, 0.0, 1)})
    bounds = bound_readings(SemanticCache(), {"0.01/0/0.95": {b"o\x1ft\x1fchat": Tally()}})
    told = exposition(meters.counts, [*loads, *bounds, *freedom_readings({"chat": [0.5]})])
    return list(text_string_to_metric_families(told.decode()))


def described() -> dict[str, tuple[str, frozenset[str]]]:
    rows = re.findall(r"^\| `(legato_\w+)` \| (\w+) \| ([\w, ]*) ?\|", TELEMETRY, re.MULTILINE)
    return {name: (kind, frozenset(re.findall(r"\w+", labels))) for name, kind, labels in rows}


def test_the_metrics_described_are_the_exposed_ones(tmp_path: Path) -> None:
    shown = {
        metric.name + ("_total" if metric.type == "counter" else ""): (
            metric.type,
            frozenset(label for sample in metric.samples for label in sample.labels) - {"le"},
        )
        for metric in exposed(tmp_path)
    }
    assert "legato_unpriced_total" in shown
    assert described() == shown


@pytest.mark.parametrize("cost", [5, None])
def test_every_span_attribute_is_described(cost: int | None) -> None:
    record = msgspec.structs.replace(SERVED, cost=cost)
    names = {name for span in spans_of(record) for name in span.attributes}
    assert "gen_ai.request.model" in names
    assert {name for name in names if f"`{name}`" not in TELEMETRY} == set()
