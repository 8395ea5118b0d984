"""What has had its time is deleted, once a minute, by the terms that hold at that moment."""

import logging
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, NamedTuple

from legato.app.context import ProcessContext
from legato.app.desks.retention import NS_PER_DAY, terms
from legato.core.clock import SystemClock
from legato.core.errors import StorageUnavailable
from legato.storage.agents.notes import prune_agent_notes
from legato.storage.anomalies.found import prune_anomalies
from legato.storage.compliance.results import prune_results
from legato.storage.evaluation.datasets import prune_traffic_datasets
from legato.storage.evaluation.evaluations import prune_evaluations
from legato.storage.evaluation.feedback import prune_feedback
from legato.storage.evaluation.live_scores import prune_live_scores
from legato.storage.evaluation.reviews import prune_reviews
from legato.storage.finance.entries import prune_finance
from legato.storage.imports.usage_imports import prune_usage_imports
from legato.storage.incidents.incidents import prune_incidents
from legato.storage.kept.captures import prune_captures
from legato.storage.kept.guard_samples import prune_guard_samples
from legato.storage.kept.kept_maps import prune_kept_maps
from legato.storage.kept.responses import ResponseStore
from legato.storage.notifications.outbox import prune_notifications
from legato.storage.objectives.pruning import prune_objectives
from legato.storage.privacy.pruning import prune_kind, record_pruned
from legato.storage.privacy.retention_terms import KeptTerms, kept_terms
from legato.storage.registry.comparisons import prune_comparisons
from legato.storage.registry.rollout_outcomes import prune_outcomes
from legato.storage.schedules.schedules import prune_runs
from legato.storage.triggers.triggers import EVENTS_KEPT_DAYS, forget_events

log = logging.getLogger("legato.ledger")

_NS_PER_HOUR: Final = 3_600_000_000_000
_EVERY_S: Final = 60.0
_OF_ALL: Final[dict[str, Callable[..., int]]] = {
    "outcomes": prune_outcomes,
    "comparisons": prune_comparisons,
    "feedback": prune_feedback,
    "live_scores": prune_live_scores,
    "reviews": prune_reviews,
    "evaluations": prune_evaluations,
    "traffic_cases": prune_traffic_datasets,
    "responses": lambda engine, before_ns: ResponseStore(engine).prune(before_ns),
    "notifications": prune_notifications,
    "anomalies": prune_anomalies,
    "incidents": prune_incidents,
    "objectives": prune_objectives,
    "finance": prune_finance,
    "report_runs": prune_runs,
    "usage_imports": prune_usage_imports,
}
"""What forgets of all organisations together, where that is more than rows."""
_SAYS_UNTIL: Final[dict[str, Callable[..., int]]] = {
    "captures": prune_captures,
    "guard_samples": prune_guard_samples,
    "redaction_maps": prune_kept_maps,
    "agent_notes": prune_agent_notes,
}
"""What forgets rows that say themselves until when they are kept."""


class Forgetting(NamedTuple):
    """What deletes a kind that is older than a time (ns), of one organisation or of all ("")."""

    name: str
    org: str
    days: int
    prune: Callable[[int], int]


def run_forgetting(context: ProcessContext, stop: threading.Event) -> None:
    """Keep what has a retention within it, a small transaction at a time."""
    forgetter = Forgetter(context)
    while not stop.wait(_EVERY_S):
        forgetter.look()


class Forgetter:
    """Deletes by what the configuration says, and by what people set beside it."""

    def __init__(self, context: ProcessContext) -> None:
        self._engine = context.engine
        self._config = context.loaded.config
        self._clock = SystemClock()
        self._kept: KeptTerms = {}

    def look(self) -> None:
        """Delete all that has had its time."""
        try:
            self._kept = kept_terms(self._engine)
        except StorageUnavailable as error:
            log.warning("terms of retention can't be read", extra={"reason": error.message})
        for one in self._all():
            before_ns = self._clock.now_ns() - one.days * NS_PER_DAY
            try:
                if rows := one.prune(before_ns):
                    record_pruned(self._engine, one.name, rows, before_ns=before_ns, org=one.org)
            except StorageUnavailable as error:
                left = {"what": one.name, "org": one.org, "reason": error.message}
                log.warning("what had its time stays for now", extra=left)

    def _all(self) -> Iterator[Forgetting]:
        engine, config = self._engine, self._config
        for name, prune in _SAYS_UNTIL.items():
            yield Forgetting(name, "", 0, partial(prune, engine))
        for name, days, work in (
            ("trigger_events", EVENTS_KEPT_DAYS, forget_events),
            ("compliance", config.compliance.retention_days, prune_results),
        ):
            if days is not None:
                yield Forgetting(name, "", days, partial(work, engine))
        for name, days, org in terms(config, self._kept):
            prune_it: Callable[[int], int] = partial(prune_kind, engine, name, org=org)
            if org is None and name in _OF_ALL:
                prune_it = partial(_OF_ALL[name], engine)
            elif name == "traces":
                prune_it = _by_the_hour(prune_it)
            yield Forgetting(name, org or "", days, prune_it)


def _by_the_hour(prune: Callable[[int], int]) -> Callable[[int], int]:
    """Forget up to whole hours: the audit log says each time what may be missing from then on."""
    return lambda before_ns: prune(before_ns - before_ns % _NS_PER_HOUR)
