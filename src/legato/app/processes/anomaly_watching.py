"""Watches spend in the ledger process; one process for each database, by a claim."""

import logging
import threading
from typing import Final

from legato.app.context import ProcessContext
from legato.core.clock import SystemClock
from legato.core.errors import LegatoError
from legato.core.ids import IdSource
from legato.core.money import amount
from legato.core.tenant import EVERY_TENANT
from legato.economics.anomalies.detection import Terms
from legato.insights.spend_watch import SpendWatch
from legato.storage.anomalies.found import Anomalies
from legato.storage.anomalies.hours import FeatureHours
from legato.storage.notifications.claims import WorkClaim
from legato.storage.rollups.reading import SpendReader
from legato.telemetry.metrics import Meters

log = logging.getLogger(__name__)

_LOOK_S: Final = 60.0
_CLAIM_NS: Final = 300_000_000_000
_OPEN_NS: Final = 30 * 86_400_000_000_000
_SNAPSHOT: Final = "metrics-anomalies.bin"


def run_spend_watch(context: ProcessContext, stop: threading.Event) -> None:
    """Look each minute whether an hour has ended, until told to stop."""
    said, clock = context.loaded.config.anomalies, SystemClock()
    engine, ids = context.engine, IdSource(clock)
    claim = WorkClaim(
        engine, "anomalies", "alone" if engine.dialect.name == "sqlite" else ids.new()
    )
    watch = SpendWatch(
        FeatureHours(SpendReader(engine, EVERY_TENANT)),
        lambda tenant: Anomalies(engine, tenant),
        Terms(z_min=said.z_min, floor_nano=amount(said.floor_usd)),
        new_id=ids.new,
        now_ns=clock.now_ns,
    )
    meters, every = Meters(context.data.run / _SNAPSHOT), Anomalies(engine, EVERY_TENANT)
    wait_s = 0.0  # what ended while nobody looked is looked at first
    while not stop.wait(wait_s):
        wait_s = _LOOK_S
        try:
            if not claim.take(_CLAIM_NS):
                continue
            for one in watch.look():
                told = {"org": one.org, "team": one.team, "feature": one.feature, "id": one.id}
                log.warning("spend is unusual", extra=told)
            meters.gauge("anomalies_open", every.count_open(clock.now_ns() - _OPEN_NS))
            meters.save()
        except (LegatoError, OSError) as error:
            log.warning("spend can't be watched now", extra={"reason": str(error)})
        except Exception:  # a defect must not end it: nothing would be found from then on
            log.exception("spend can't be watched")
