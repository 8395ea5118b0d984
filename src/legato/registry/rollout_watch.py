"""Takes rollouts on by what became of the requests in their arms."""

import logging
import math
from collections import defaultdict
from collections.abc import Callable, Iterable

import msgspec

from legato.core.errors import CallerError
from legato.core.registry import CANDIDATE, CHAMPION
from legato.core.tenant import Tenant
from legato.routing.rollouts.contrast import Stratum, Unit
from legato.routing.rollouts.course import Action, Observed, Phase, decide, followed
from legato.routing.rollouts.gates import Metric
from legato.routing.rollouts.moments import Moments
from legato.storage.rollout_outcomes import Outcome, RolloutOutcomes
from legato.storage.rollouts import Progress, Rollout, RolloutStore

log = logging.getLogger(__name__)

_SETTLED_NS = 600_000_000_000
"""What happened so long ago is in the ledger, and is read once."""
_WAITS = "all steps are done, but others must approve moves of this label: abort, and ask for it"
_US_PER_MS = 1000.0
_NANO = 1e-9
_encode = msgspec.json.Encoder().encode
Strata = dict[Metric, Stratum]


class RolloutWatch:
    """Looks at every rollout under way; blocking."""

    def __init__(
        self,
        running: Callable[[], list[Rollout]],
        store: Callable[[Tenant], RolloutStore],
        outcomes: Callable[[Tenant], RolloutOutcomes],
        now_ns: Callable[[], int],
        *,
        waits: Callable[[Rollout], bool],
    ) -> None:
        self._running = running
        self._store = store
        self._outcomes = outcomes
        self._now_ns = now_ns
        self._waits = waits
        self._settled: dict[tuple[str, int], tuple[int, Strata]] = {}

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
        if decision.action is Action.PROMOTE and self._waits(rollout):
            if rollout.told != _WAITS:
                store.tell(rollout, _WAITS)
            return
        state = followed(rollout.state, decision, now_ns)
        evidence = _encode(decision.evidence)
        made = Progress(state, f"rollout:{rollout.id}", decision.action, decision.reason, evidence)
        store.progress(rollout, made)
        level = logging.WARNING if state.phase is Phase.ROLLED_BACK else logging.INFO
        log.log(
            level,
            "rollout taken on",
            extra={"rollout": rollout.id, "version": str(rollout.name), "action": decision.action},
        )

    def _observed(self, rollout: Rollout, now_ns: int) -> Observed:
        steps = [self._step(rollout, number, now_ns) for number in range(len(rollout.begun_ns))]
        metrics = {gate.metric for gate in rollout.plan.gates}
        strata = {
            metric: tuple(found[metric] for _, found in steps if metric in found)
            for metric in metrics
        }
        return Observed(steps[-1][0], strata)

    def _step(self, rollout: Rollout, number: int, now_ns: int) -> tuple[int, Strata]:
        """Return the candidate's requests in a step, and what both arms showed."""
        key = (rollout.id, number)
        if key in self._settled:
            return self._settled[key]
        ends = [*rollout.begun_ns[1:], None]
        until_ns = ends[number]
        outcomes = self._outcomes(Tenant(rollout.org))
        arms = {
            arm: outcomes.of(rollout.id, arm, rollout.begun_ns[number], until_ns)
            for arm in (CHAMPION, CANDIDATE)
        }
        found = {
            metric: Stratum(*(moments(arms[arm], metric, rollout.plan.unit) for arm in arms))
            for metric in Metric
        }
        seen = (len(arms[CANDIDATE]), found)
        if until_ns is not None and now_ns - until_ns > _SETTLED_NS:
            self._settled[key] = seen
        return seen


def moments(outcomes: Iterable[Outcome], metric: Metric, unit: Unit) -> Moments:
    """Return the sums of one metric over units."""
    by_unit: dict[object, tuple[int, float]] = defaultdict(lambda: (0, 0.0))
    for number, outcome in enumerate(outcomes):
        value = _value(outcome, metric)
        if value is not None:
            key = outcome.unit if unit is Unit.USER else number
            count, total = by_unit[key]
            by_unit[key] = (count + 1, total + value)
    summed = Moments()
    for count, total in by_unit.values():
        summed = summed.with_unit(count, total)
    return summed


def _value(outcome: Outcome, metric: Metric) -> float | None:
    """Return what one request adds to a metric; None where it says nothing of it."""
    if metric is Metric.ERRORS:
        return 0.0 if outcome.ok else 1.0
    if metric is Metric.LATENCY:
        answered = outcome.ok and outcome.total_us > 0
        return math.log(outcome.total_us / _US_PER_MS) if answered else None
    if metric is Metric.COST:
        return None if outcome.cost is None else outcome.cost * _NANO
    if metric is Metric.DISAPPROVAL:
        return None if outcome.thumbs_down is None else float(outcome.thumbs_down)
    return outcome.score if metric is Metric.QUALITY else None
