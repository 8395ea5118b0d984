"""Looks at the instance by the checks of compliance that are due, and ends.

A process of its own, since what it loads would stay in any other for an hour of nothing.
"""

import logging
import time
from typing import Final

from legato.app.context import ProcessContext
from legato.core.clock import SystemClock
from legato.core.errors import StorageUnavailable

log = logging.getLogger(__name__)

FIRST_S: Final = 15.0
"""After a start, of which it takes nothing."""
_RETRY_S: Final = 30.0
_SNAPSHOT: Final = "metrics-compliance.bin"


def run(context: ProcessContext) -> None:
    """Look at what is due, tell what has changed, and leave the metrics."""
    away = False
    while True:
        try:
            _look(context)
        except StorageUnavailable as error:
            if not away:
                log.warning("compliance waits for the database", extra={"reason": error.message})
            away = True
            time.sleep(_RETRY_S)
            continue
        except OSError as error:
            log.warning("no metrics snapshot", extra={"reason": error.strerror})
        return


def _look(context: ProcessContext) -> None:
    # here, so that no other process has it
    from legato.app.compliance.running import due, look_at, standing_now  # noqa: PLC0415
    from legato.app.compliance.scene import Scene  # noqa: PLC0415
    from legato.storage.compliance.results import ComplianceResults  # noqa: PLC0415
    from legato.telemetry.metrics import Meters  # noqa: PLC0415

    scene = Scene(context.loaded, context.data, SystemClock())
    results = ComplianceResults(context.engine)
    for one in look_at(scene, results, due(scene, results)):
        if one.changed:
            said = {"check": one.check, "status": one.finding.status.value}
            log.info("compliance changed", extra={**said, "told": one.finding.told})
    found = standing_now(results, context.loaded.config.compliance, scene.now_ns)
    meters = Meters(context.data.run / _SNAPSHOT)
    standing: dict[tuple[str, ...], str] = {
        (one.control.framework.value, one.control.id): one.status.value for one in found
    }
    meters.compliance(standing)
    meters.save()
