"""Takes rollouts on by what became of the requests in their arms."""

import logging
import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import NamedTuple

import msgspec

from legato.core.errors import CallerError, Conflict
from legato.core.registry import CANDIDATE, CHAMPION, INSTANCE_ORG
from legato.core.tenant import EVERY_TENANT, Tenant, WholeReach
from legato.routing.rollouts.contrast import Stratum, Unit
from legato.routing.rollouts.course import Action, Observed, decide, followed
from legato.routing.rollouts.gates import Gate, Metric
from legato.routing.rollouts.moments import Moments
from legato.routing.rollouts.plan import Mode
from legato.storage.registry.rollout_outcomes import Outcome, RolloutOutcomes
from legato.storage.registry.rollouts import Progress, Rollout, RolloutStore

log = logging.getLogger(__name__)

_SETTLED_NS = 600_000_000_000
"""What happened so long ago is in the ledger, and is read once."""
_WAITS = "all steps are done, but others must approve moves of this label: abort, and ask for it"
_DONE = "all steps are done, but"
_TOLD_MAX = 500
_US_PER_MS = 1000.0
_NANO = 1e-9
_encode = msgspec.json.Encoder().encode


class Span(NamedTuple):
    """What a candidate showed beside the champion while shares stayed the same."""

    requests: int
    strata: dict[Metric, Stratum]


Spans = dict[str, Span]
"""By candidate."""


class RolloutWatch:
    """Looks at every rollout under way; blocking."""

    def __init__(
        self,
        running: Callable[[], list[Rollout]],
        store: Callable[[Tenant], RolloutStore],
        outcomes: Callable[[WholeReach], RolloutOutcomes],
        now_ns: Callable[[], int],
        *,
        waits: Callable[[Rollout], bool],
        require_margin: Callable[[Rollout], None] = lambda _: None,
    ) -> None:
        """`require_margin` raises Conflict where a policy holds a promotion back."""
        self._running = running
        self._store = store
        self._outcomes = outcomes
        self._now_ns = now_ns
        self._waits = waits
        self._require_margin = require_margin
        self._settled: dict[tuple[str, int], Spans] = {}

    def look(self) -> None:
        """Take each rollout on where its evidence, or the time, says so.

        Raises:
            StorageUnavailable: the database does not answer.
        """
        running = self._running()
        under_way = {one.id for one in running}
        self._settled = {key: kept for key, kept in self._settled.items() if key[0] in under_way}
        for rollout in running:
            try:
                self._take_on(rollout)
            except CallerError as error:  # changed under our hands: the next look sees it
                log.info("rollout left", extra={"rollout": rollout.id, "reason": error.code})

    def _take_on(self, rollout: Rollout) -> None:
        store, now_ns = self._store(Tenant(rollout.org)), self._now_ns()
        decision = decide(rollout.plan, rollout.state, self._observed(rollout, now_ns), now_ns)
        if decision.action is Action.HOLD:
            if decision.reason != rollout.told:
                store.tell(rollout, decision.reason)
            return
        if decision.action is Action.PROMOTE and (why := self._held_back(rollout)):
            if rollout.told != why:
                store.tell(rollout, why)
            return
        state = followed(rollout.state, decision, now_ns)
        evidence = _encode(decision.evidence)
        made = Progress(state, f"rollout:{rollout.id}", decision.action, decision.reason, evidence)
        store.progress(rollout, made)
        harmed = decision.action in {Action.ROLL_BACK, Action.TAKE_OUT}
        log.log(
            logging.WARNING if harmed else logging.INFO,
            "rollout taken on",
            extra={
                "rollout": rollout.id,
                "version": str(rollout.name),
                "action": decision.action,
                "arm": decision.arm,
            },
        )

    def _held_back(self, rollout: Rollout) -> str:
        """Say why a rollout that is at its end isn't promoted, "" for nothing against it."""
        if self._waits(rollout):
            return _WAITS
        try:
            self._require_margin(rollout)
        except Conflict as refused:
            return f"{_DONE} {refused.message}"[:_TOLD_MAX]
        return ""

    def _observed(self, rollout: Rollout, now_ns: int) -> dict[str, Observed]:
        """Return what was seen of each candidate that is not out."""
        spans = [self._span(rollout, number, now_ns) for number in range(len(rollout.begun_ns))]
        observed = {}
        for arm in rollout.division.remaining:
            strata = {
                gate.metric: tuple(span[arm].strata[gate.metric] for span in spans)
                for gate in rollout.plan.measured
            }
            observed[arm] = Observed(spans[-1][arm].requests, strata)
        return observed

    def _span(self, rollout: Rollout, number: int, now_ns: int) -> Spans:
        """Return what every candidate showed while shares stayed the same."""
        key = (rollout.id, number)
        if key in self._settled:
            return self._settled[key]
        plan = rollout.plan
        until_ns = [*rollout.begun_ns[1:], None][number]
        if plan.mode is Mode.SHADOW:
            store = self._store(Tenant(rollout.org))
            sent = store.copies(rollout.id, rollout.begun_ns[number], until_ns)
            return {CANDIDATE: Span(sent, {})}
        # every organisation calls what belongs to the instance
        whose = EVERY_TENANT if rollout.org == INSTANCE_ORG else Tenant(rollout.org)
        outcomes = self._outcomes(whose)
        reach = (rollout.begun_ns[number], until_ns)
        champion = outcomes.of(rollout.id, CHAMPION, *reach)
        beside = {gate: moments(champion, gate, plan.unit) for gate in plan.measured}
        spans = {}
        for arm in rollout.division.candidates:
            found = outcomes.of(rollout.id, arm.name, *reach)
            strata = {
                gate.metric: Stratum(beside[gate], moments(found, gate, plan.unit))
                for gate in plan.measured
            }
            spans[arm.name] = Span(len(found), strata)
        if until_ns is not None and now_ns - until_ns > _SETTLED_NS:
            self._settled[key] = spans
        return spans


def moments(outcomes: Iterable[Outcome], gate: Gate, unit: Unit) -> Moments:
    """Return the sums of a gate's metric over units."""
    by_unit: dict[object, tuple[int, float]] = defaultdict(lambda: (0, 0.0))
    for number, outcome in enumerate(outcomes):
        value = _value(outcome, gate)
        if value is not None:
            key = outcome.unit if unit is Unit.USER else number
            count, total = by_unit[key]
            by_unit[key] = (count + 1, total + value)
    summed = Moments()
    for count, total in by_unit.values():
        summed = summed.with_unit(count, total)
    return summed


def _value(outcome: Outcome, gate: Gate) -> float | None:
    """Return what one request adds to a gate's metric; None where it says nothing of it."""
    metric = gate.metric
    if metric is Metric.ERRORS:
        return 0.0 if outcome.ok else 1.0
    if metric is Metric.LATENCY:
        answered = outcome.ok and outcome.total_us > 0
        return math.log(outcome.total_us / _US_PER_MS) if answered else None
    if metric is Metric.SLOW:
        return _slow(outcome, gate.above_ms)
    if metric is Metric.COST:
        return None if outcome.cost is None else outcome.cost * _NANO
    if metric is Metric.DISAPPROVAL:
        return None if outcome.thumbs_down is None else float(outcome.thumbs_down)
    if metric is Metric.QUALITY:
        return outcome.score
    return None if outcome.triggered is None else float(outcome.triggered)


def _slow(outcome: Outcome, above_ms: float | None) -> float | None:
    """Whether an answered request took longer than the gate's limit."""
    if above_ms is None or not outcome.ok or outcome.total_us <= 0:
        return None
    return float(outcome.total_us > above_ms * _US_PER_MS)
