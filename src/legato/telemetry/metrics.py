"""Counters and histograms: plain dictionaries on the hot path, Prometheus text on request.

Each worker counts for itself and leaves a snapshot on disk every second. Any worker answers
`/metrics` with the sum of all snapshots, and a restarted worker goes on from the one it left,
so counters never fall.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import count as counter
from pathlib import Path
from typing import NamedTuple

import msgspec
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric

from legato.telemetry.audit_copies import export_metrics
from legato.telemetry.families import (
    Histogram,
    Key,
    add,
    counter_family,
    gauge_family,
    histogram_family,
    merge_histograms,
    objective_family,
    observe,
)
from legato.telemetry.governed import governance_metrics
from legato.telemetry.workflow_counts import WorkflowCounts, workflow_metrics

_NANO = 1e9


class Counts(msgspec.Struct):
    """One worker's numbers; keys are label values in the order of the metric's labels."""

    requests: dict[Key, int] = {}  # surface, model, deployment, status, cache
    latency: dict[Key, Histogram] = {}  # surface, cache
    first_byte: dict[Key, Histogram] = {}  # deployment
    overhead: dict[Key, Histogram] = {}  # surface
    tokens: dict[Key, int] = {}  # deployment, direction
    cost_nano: dict[Key, int] = {}  # team, feature, deployment
    baseline_nano: dict[Key, int] = {}  # team, feature
    failures: dict[Key, int] = {}  # deployment, code
    unpriced: dict[Key, int] = {}  # deployment
    traces_lost: dict[Key, int] = {}  # reason
    traces: dict[Key, int] = {}  # result
    captures: dict[Key, int] = {}  # result
    rules: dict[Key, int] = {}  # model, rule, result
    answer_checks: dict[Key, int] = {}  # check, action
    drift: dict[Key, int] = {}  # policy, scorer, versions: 1 while an alarm is open
    semantic: dict[Key, int] = {}  # route, result
    semantic_saved_nano: dict[Key, int] = {}  # route
    comparisons: dict[Key, int] = {}  # model, result
    guardrails: dict[Key, int] = {}  # policy, rule, action, mode
    detectors: dict[Key, int] = {}  # detector, result
    lookups: dict[Key, int] = {}  # lookup, result
    restored: dict[Key, int] = {}  # result
    queue_shed: dict[Key, int] = {}  # model, reason
    queue_wait: dict[Key, Histogram] = {}  # model
    queue_depth: dict[Key, int] = {}  # model
    audit_append: dict[Key, Histogram] = {}  # no label
    audit_exports: dict[Key, float] = {}  # destination, what
    audit_failures: dict[Key, int] = {}  # destination, reason
    sign_ins: dict[Key, int] = {}  # method, result
    budget_events: dict[Key, int] = {}  # org, budget, what; of all the instance
    compliance: dict[Key, int] = {}  # framework, control, status: 1 for how a control stands
    notifications: dict[Key, int] = {}  # channel, result
    workflows: WorkflowCounts = msgspec.field(default_factory=WorkflowCounts)
    objectives: dict[Key, float] = {}  # org, objective: what is left of its error budget
    gauges: dict[str, float] = {}


class Meters:
    """One worker's counters."""

    def __init__(self, snapshot_file: Path) -> None:
        self._file = snapshot_file
        self.counts = _read(snapshot_file) or Counts()
        self.counts.gauges, self.counts.queue_depth = {}, {}
        self.queue_depths: Callable[[], dict[Key, int]] | None = None
        """Tells how many calls wait in each route's queue; None where no route has one."""
        self._saves = counter()

    def request(self, labels: Key, *, latency_us: int, overhead_us: int) -> None:
        """Count one request; `labels` as in `Counts.requests`."""
        requests = self.counts.requests
        requests[labels] = requests.get(labels, 0) + 1
        surface, _, _, _, cache = labels
        observe(self.counts.latency, (surface, cache), latency_us)
        observe(self.counts.overhead, (surface,), overhead_us)

    def first_byte(self, deployment: str, latency_us: int) -> None:
        """Note how long the caller waited for the first byte of a deployment's answer."""
        observe(self.counts.first_byte, (deployment,), latency_us)

    def spent(
        self, key: Key, *, tokens: tuple[int, int], cost: int | None, baseline: int | None
    ) -> None:
        """Add tokens (in, out) and money of (team, feature, deployment).

        What has no known cost saves nothing that is known, so its baseline isn't added.
        """
        counts, (team, feature, deployment) = self.counts, key
        add(counts.tokens, (deployment, "input"), tokens[0])
        add(counts.tokens, (deployment, "output"), tokens[1])
        if cost is None:
            add(counts.unpriced, (deployment,), 1)
            return
        if cost:
            add(counts.cost_nano, key, cost)
        if baseline:
            add(counts.baseline_nano, (team, feature), baseline)

    def failure(self, deployment: str, code: str) -> None:
        """Count an attempt that failed."""
        add(self.counts.failures, (deployment, code), 1)

    def traces(self, result: str, requests: int) -> None:
        """Count traces that were exported, failed or dropped."""
        add(self.counts.traces, (result,), requests)

    def captures(self, result: str, requests: int) -> None:
        """Count captured requests that were kept or dropped."""
        add(self.counts.captures, (result,), requests)

    def rule(self, alias: str, rule: str, result: str) -> None:
        """Count what became of a rule for one request: decided, failed or emptied."""
        add(self.counts.rules, (alias, rule, result), 1)

    def answer_check(self, check: str, action: str, count: int) -> None:
        """Count what a check found in answers, and what was done."""
        add(self.counts.answer_checks, (check, action), count)

    def drift(self, alarmed: Mapping[Key, bool]) -> None:
        """Say of every watched score whether its alarm is open; labels as in `Counts.drift`."""
        self.counts.drift = {key: int(value) for key, value in alarmed.items()}

    def semantic(self, route: str, result: str) -> None:
        """Count what the semantic cache did with a request, or came to know of a hit."""
        add(self.counts.semantic, (route, result), 1)

    def semantic_saved(self, route: str, nano_usd: int) -> None:
        """Add what a hit of the semantic cache saved."""
        add(self.counts.semantic_saved_nano, (route,), nano_usd)

    def comparison(self, alias: str, result: str) -> None:
        """Count what came of comparing an answer of a route with its baseline's."""
        add(self.counts.comparisons, (alias, result), 1)

    def guardrail(self, key: Key) -> None:
        """Count a request in which a rule fired; the key as in `Counts.guardrails`."""
        add(self.counts.guardrails, key, 1)

    def detector(self, name: str, result: str) -> None:
        """Count a request that a detector failed: closed, or open where only flags hang on it."""
        add(self.counts.detectors, (name, result), 1)

    def looked_up(self, name: str, result: str) -> None:
        """Count what a condition looked up: kept, asked or failed."""
        add(self.counts.lookups, (name, result), 1)

    def restored(self, restored: int, unknown: int) -> None:
        """Count values put back into an answer, and placeholders in it that stand for none."""
        if restored:
            add(self.counts.restored, ("restored",), restored)
        if unknown:
            add(self.counts.restored, ("unknown",), unknown)

    def queued(self, alias: str, outcome: str, waited_us: int) -> None:
        """Count a call that waited in its route's queue: it got a place, or was shed."""
        if outcome == "placed":
            observe(self.counts.queue_wait, (alias,), waited_us)
        else:
            add(self.counts.queue_shed, (alias, outcome), 1)

    def audit_append(self, took_us: int) -> None:
        """Note how long it took to append an event, its transaction included."""
        observe(self.counts.audit_append, (), took_us)

    def audit_export(self, destination: str, what: str, value: float) -> None:
        """Set `timestamp_seconds`, `lag_events` or `forked` of a destination."""
        self.counts.audit_exports[destination, what] = value

    def audit_export_failed(self, destination: str, reason: str) -> None:
        """Count that one couldn't be copied to: `unreachable` or `forked`."""
        add(self.counts.audit_failures, (destination, reason), 1)

    def sign_in(self, method: str, result: str) -> None:
        """Count an attempt to sign in: ok, failed, or delayed after too many failures."""
        add(self.counts.sign_ins, (method, result), 1)

    def budget_events(self, counted: Mapping[Key, int]) -> None:
        """Say how much came of budgets so far; keys as in `Counts.budget_events`."""
        self.counts.budget_events = dict(counted)

    def compliance(self, standing: Mapping[Key, str]) -> None:
        """Say how each control stands, by framework and control."""
        self.counts.compliance = {(*control, status): 1 for control, status in standing.items()}

    def notification(self, channel: str, result: str) -> None:
        """Count an attempt to send one: sent, failed or dead."""
        add(self.counts.notifications, (channel, result), 1)

    def trigger(self, kind: str, what: str, lag_s: float | None) -> None:
        """Count an event that a trigger heard, and how long it was under way."""
        self.counts.workflows.heard(kind, what, lag_s)

    def trace_lost(self) -> None:
        """Count a request whose trace record had no room in the journal."""
        add(self.counts.traces_lost, ("journal_full",), 1)

    def gauge(self, name: str, value: float) -> None:
        """Set a gauge, e.g. the open requests of this worker."""
        self.counts.gauges[name] = value

    def save(self) -> None:
        """Leave a snapshot. Blocking: called in a thread, once a second."""
        if self.queue_depths is not None:
            self.counts.queue_depth = self.queue_depths()
        # the metrics page and housekeeping may save at the same moment: each writes its own part
        part = self._file.with_suffix(f".{next(self._saves)}.part")
        part.write_bytes(msgspec.msgpack.encode(self.counts))
        part.replace(self._file)


def _read(file: Path) -> Counts | None:
    try:
        return msgspec.msgpack.decode(file.read_bytes(), type=Counts)
    except (FileNotFoundError, ValueError):  # none yet, or written by another version
        return None


def load_counts(directory: Path) -> Counts:
    """Return the sum of all workers' snapshots in a directory."""
    return merged(
        counts for file in sorted(directory.glob("metrics-*.bin")) if (counts := _read(file))
    )


def merged(parts: Iterable[Counts]) -> Counts:
    """Return the sum of several workers' numbers."""
    total = Counts()
    for part in parts:
        for name in (
            "requests",
            "tokens",
            "cost_nano",
            "baseline_nano",
            "failures",
            "unpriced",
            "traces",
            "traces_lost",
            "captures",
            "rules",
            "answer_checks",
            "semantic",
            "semantic_saved_nano",
            "comparisons",
            "guardrails",
            "detectors",
            "lookups",
            "restored",
            "queue_shed",
            "queue_depth",
            "audit_failures",
            "sign_ins",
            "budget_events",
            "notifications",
        ):
            into = getattr(total, name)
            for key, value in getattr(part, name).items():
                add(into, key, value)
        for name in ("latency", "first_byte", "overhead", "queue_wait", "audit_append"):
            merge_histograms(getattr(total, name), getattr(part, name))
        for key, alarmed in part.drift.items():
            total.drift[key] = max(alarmed, total.drift.get(key, 0))
        total.audit_exports |= part.audit_exports
        total.compliance |= part.compliance
        total.workflows.add(part.workflows)
        total.objectives |= part.objectives
        for gauge, value in part.gauges.items():
            total.gauges[gauge] = total.gauges.get(gauge, 0.0) + value
    return total


class Reading(NamedTuple):
    """A gauge as it stands now: not counted by workers but read where they share it."""

    name: str
    text: str
    labels: tuple[str, ...]
    values: dict[Key, float]


def exposition(counts: Counts, readings: Iterable[Reading] = ()) -> bytes:
    """Return the Prometheus text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Families(counts, readings))
    return generate_latest(registry)


class _Families:
    """A collector over merged numbers."""

    def __init__(self, counts: Counts, readings: Iterable[Reading]) -> None:
        self._counts = counts
        self._readings = readings

    def collect(self) -> Iterator[Metric]:
        counts = self._counts
        yield counter_family(
            "legato_requests",
            "Finished requests",
            ("surface", "model", "deployment", "status", "cache"),
            counts.requests,
        )
        yield histogram_family(
            "legato_request_duration_seconds",
            "From the request's head to the end of its answer",
            ("surface", "cache"),
            counts.latency,
        )
        yield histogram_family(
            "legato_overhead_seconds",
            "The part of a request that was not spent waiting for a provider",
            ("surface",),
            counts.overhead,
        )
        yield histogram_family(
            "legato_time_to_first_byte_seconds",
            "From the request's head to the provider's first byte",
            ("deployment",),
            counts.first_byte,
        )
        yield counter_family(
            "legato_tokens", "Tokens billed", ("deployment", "direction"), counts.tokens
        )
        yield counter_family(
            "legato_cost_usd",
            "Money spent; the ledger is exact, this is for graphs",
            ("team", "feature", "deployment"),
            {key: value / _NANO for key, value in counts.cost_nano.items()},
        )
        yield counter_family(
            "legato_baseline_usd",
            "What the routes' baselines would have cost, for calls whose own cost is known",
            ("team", "feature"),
            {key: value / _NANO for key, value in counts.baseline_nano.items()},
        )
        yield counter_family(
            "legato_attempt_failures", "Failed attempts", ("deployment", "code"), counts.failures
        )
        yield counter_family(
            "legato_unpriced", "Requests whose cost is unknown", ("deployment",), counts.unpriced
        )
        yield from self._queued()
        yield from self._guarded()
        yield from self._kept()
        yield from self._audit()
        for name, value in sorted(counts.gauges.items()):
            yield GaugeMetricFamily(f"legato_{name}", name.replace("_", " "), value=value)
        for reading in self._readings:
            family = GaugeMetricFamily(reading.name, reading.text, labels=reading.labels)
            for key, value in sorted(reading.values.items()):
                family.add_metric(key, value)
            yield family

    def _queued(self) -> Iterator[Metric]:
        counts = self._counts
        yield histogram_family(
            "legato_queue_wait_seconds",
            "How long calls waited in their route's queue that got a place",
            ("model",),
            counts.queue_wait,
        )
        yield counter_family(
            "legato_queue_shed",
            "Calls that got no place, by why",
            ("model", "reason"),
            counts.queue_shed,
        )
        yield gauge_family(
            "legato_queue_depth",
            "Calls that wait in their route's queue",
            ("model",),
            counts.queue_depth,
        )

    def _audit(self) -> Iterator[Metric]:
        counts = self._counts
        yield histogram_family(
            "legato_audit_append_seconds",
            "How long it took to append an event to the audit log, its transaction included",
            (),
            counts.audit_append,
        )
        yield from export_metrics(counts.audit_exports, counts.audit_failures)
        yield from governance_metrics(counts)
        yield from workflow_metrics(counts.workflows)
        yield counter_family(
            "legato_notifications",
            "Attempts to send a notification, by what became of them",
            ("channel", "result"),
            counts.notifications,
        )

    def _guarded(self) -> Iterator[Metric]:
        counts = self._counts
        yield counter_family(
            "legato_guardrails",
            "Requests in which a rule of a policy fired",
            ("policy", "rule", "action", "mode"),
            counts.guardrails,
        )
        yield counter_family(
            "legato_detector_failures",
            "Requests that a detector failed: refused, or let pass where only flags hang on it",
            ("detector", "result"),
            counts.detectors,
        )
        yield counter_family(
            "legato_lookups",
            "What conditions looked up: kept from before, asked for, or failed",
            ("lookup", "result"),
            counts.lookups,
        )
        yield counter_family(
            "legato_restored_values",
            "Values put back into answers, and placeholders in answers that stand for none",
            ("result",),
            counts.restored,
        )

    def _kept(self) -> Iterator[Metric]:
        counts = self._counts
        yield objective_family(counts.objectives)
        yield counter_family(
            "legato_route_rules",
            "Requests by what became of a rule of their route",
            ("model", "rule", "result"),
            counts.rules,
        )
        yield counter_family(
            "legato_answer_checks",
            "What checks found in answers, by what was done",
            ("check", "action"),
            counts.answer_checks,
        )
        yield counter_family(
            "legato_route_comparisons",
            "Answers of a route's choice beside its baseline's",
            ("model", "result"),
            counts.comparisons,
        )
        yield counter_family(
            "legato_traces", "Sampled traces by what became of them", ("result",), counts.traces
        )
        yield counter_family(
            "legato_traces_lost",
            "Requests without a trace record",
            ("reason",),
            counts.traces_lost,
        )
        yield counter_family(
            "legato_captures",
            "Captured requests by what became of them",
            ("result",),
            counts.captures,
        )
        yield gauge_family(
            "legato_drift_alarm",
            "1 while the scores of a version have drifted and nobody has acknowledged it",
            ("policy", "scorer", "versions"),
            counts.drift,
        )
        yield counter_family(
            "legato_semantic_cache",
            "What the semantic cache did with requests, and what checks of its hits found",
            ("route", "result"),
            counts.semantic,
        )
        yield counter_family(
            "legato_semantic_cache_saved_usd",
            "What the baseline would have cost for hits of the semantic cache",
            ("route",),
            {key: value / _NANO for key, value in counts.semantic_saved_nano.items()},
        )
