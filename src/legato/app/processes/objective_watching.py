"""Watches objectives in the ledger process, and opens incidents; by a claim, once a database."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

from legato.app.context import LedgerContext
from legato.app.models.vaults import open_data_keys
from legato.app.startup import read_live
from legato.core.clock import SystemClock
from legato.core.errors import LegatoError
from legato.core.ids import IdSource
from legato.core.tenant import EVERY_TENANT
from legato.gateway.breakers import Breakers
from legato.insights.objectives.opening import IncidentOpening
from legato.insights.objectives.standing import Standings
from legato.insights.objectives.watch import NS_PER_MIN, ObjectiveWatch
from legato.registry.models import merged
from legato.resilience.breaker import State
from legato.storage.anomalies.found import Anomalies
from legato.storage.data_keys import DataKeyTable
from legato.storage.incidents.incidents import Incidents
from legato.storage.notifications.claims import WorkClaim
from legato.storage.objectives.alerts import BurnAlerts
from legato.storage.objectives.counting import ObjectiveCounts
from legato.storage.objectives.objectives import ObjectiveStore
from legato.storage.registry.models import RegistryModels
from legato.telemetry.metrics import Meters
from legato.vault.envelope import Envelopes

log = logging.getLogger(__name__)

_CLAIM_NS: Final = 300_000_000_000
_DAY_NS: Final = 86_400_000_000_000
_ANOMALIES_MAX: Final = 100
_FORGET_EVERY_NS: Final = 3_600_000_000_000
_NAMES_EVERY_NS: Final = 60_000_000_000
_SNAPSHOT: Final = "metrics-objectives.bin"


class ServiceWatch:
    """One look after the other. May raise StorageUnavailable."""

    def __init__(self, context: LedgerContext) -> None:
        engine, clock = context.engine, SystemClock()
        ids, said = IdSource(clock), context.loaded.config.objectives
        self._clock = clock
        self._store = ObjectiveStore(engine, clock, EVERY_TENANT)
        self._counts, self._alerts = ObjectiveCounts(engine), BurnAlerts(engine, EVERY_TENANT)
        self._watch = ObjectiveWatch(
            lambda: self._counts.count(self._store),
            self._store.in_force,
            self._counts,
            self._alerts,
            new_id=ids.new,
            now_ns=clock.now_ns,
        )
        self._incidents = Incidents(engine, clock, EVERY_TENANT)
        self._opening = IncidentOpening(
            self._incidents,
            breaker_open_ns=int(said.breaker_open_s * 1e9),
            new_id=ids.new,
            now_ns=clock.now_ns,
        )
        self._anomalies = Anomalies(engine, EVERY_TENANT)
        self._breakers = _closed_breakers(context, clock)
        self._forgot_ns = 0

    def look(self) -> None:
        """Judge objectives, and open or resolve incidents."""
        looked = self._watch.look()
        for alert, objective in looked.opened:
            told = {"org": alert.org, "objective": objective.name, "window": alert.window}
            log.warning("an error budget burns", extra=told)
        self._opening.of_burns(looked.opened)
        self._opening.of_recoveries(looked.closed, self._alerts.open_ones())
        since_ns = self._clock.now_ns() - _DAY_NS
        newest = self._anomalies.page(_ANOMALIES_MAX, open_only=True)
        self._opening.of_anomalies(one for one in newest if one.found_at_ns >= since_ns)
        self._opening.of_breakers(self._breakers())
        self._forget()

    def _forget(self) -> None:
        now_ns = self._clock.now_ns()
        if now_ns - self._forgot_ns > _FORGET_EVERY_NS:
            self._counts.forget_minutes(now_ns // NS_PER_MIN)
            self._forgot_ns = now_ns

    def measure(self, meters: Meters) -> None:
        """Say how all of it stands."""
        standings, now_ns = Standings(self._counts, self._alerts), self._clock.now_ns()
        meters.counts.objectives = {
            (one.org, one.name): standings.of(one, now_ns).left for one in self._store.in_force()
        }
        meters.gauge("objectives_burning", self._alerts.count_open())
        states = self._incidents.count_by_state()
        for state in ("open", "acknowledged"):
            meters.gauge(f"incidents_{state}", states.get(state, 0))
        meters.save()


def run_objective_watch(context: LedgerContext, stop: threading.Event) -> None:
    """Look until told to stop."""
    engine, clock = context.engine, SystemClock()
    alone = engine.dialect.name == "sqlite"
    claim = WorkClaim(engine, "objectives", "alone" if alone else IdSource(clock).new())
    watch, meters = ServiceWatch(context), Meters(context.data.run / _SNAPSHOT)
    wait_s, away = 0.0, False
    while not stop.wait(wait_s):
        wait_s = context.loaded.config.objectives.look_s
        try:
            if claim.take(_CLAIM_NS):
                watch.look()
                watch.measure(meters)
            away = False
        except (LegatoError, OSError) as error:
            if not away:
                log.warning("objectives can't be watched now", extra={"reason": str(error)})
            away = True
        except Exception:  # a defect must not end it: nobody would be told from then on
            log.exception("objectives can't be watched")


def _closed_breakers(
    context: LedgerContext, clock: SystemClock
) -> Callable[[], Mapping[str, bool]]:
    """Return what says of each deployment whether its breaker, on this machine, is closed."""
    if context.breakers is None:
        return dict
    breakers = Breakers(context.breakers, context.loaded.config.breaker, time.monotonic)
    named = _Names(context, clock)

    def states() -> Mapping[str, bool]:
        return {name: breakers.state(breakers.cell(name)) is State.CLOSED for name in named.names()}

    return states


class _Names:
    """The deployments there are, those of the registry too; read anew every minute."""

    def __init__(self, context: LedgerContext, clock: SystemClock) -> None:
        self._context = context
        self._clock = clock
        self._known: tuple[str, ...] = ()
        self._read_ns = 0

    def names(self) -> tuple[str, ...]:
        """Return them. Raises StorageUnavailable."""
        now_ns = self._clock.now_ns()
        if now_ns - self._read_ns >= _NAMES_EVERY_NS:
            loaded, engine = self._context.loaded, self._context.engine
            keys = open_data_keys(loaded, self._context.data, DataKeyTable(engine))
            models = RegistryModels(engine, loaded.config.registry.environment)
            config = merged(loaded.config, read_live(models, Envelopes(keys)))
            self._known = tuple(one.name for one in config.deployments)
            self._read_ns = now_ns
        return self._known
