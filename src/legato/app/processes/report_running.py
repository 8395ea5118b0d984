"""Has scheduled reports made, in the ledger process; one process for each database, by a claim.

Each is made by a command of its own, which takes its memory along as it ends. It may be killed at
any moment: a report, its digest and its deliveries are written in one transaction.
"""

import logging
import subprocess
import sys
import threading
from typing import Final

from legato.app.context import ProcessContext
from legato.core.clock import SystemClock
from legato.core.errors import LegatoError
from legato.core.ids import IdSource
from legato.core.tenant import EVERY_TENANT
from legato.storage.notifications.claims import WorkClaim
from legato.storage.schedules.schedules import Schedules

log = logging.getLogger(__name__)

_LOOK_S: Final = 5.0
_WAIT_S: Final = 0.2
_RUN_S: Final = 600.0
_AGAIN_S: Final = 60.0
_CLAIM_NS: Final = 700_000_000_000
_TOLD_CHARACTERS: Final = 500


def run_reports(context: ProcessContext, stop: threading.Event) -> None:
    """Look every few seconds whether a report is due, until told to stop."""
    engine, clock = context.engine, SystemClock()
    alone = engine.dialect.name == "sqlite"
    claim = WorkClaim(engine, "reports", "alone" if alone else IdSource(clock).new())
    schedules = Schedules(engine, clock, EVERY_TENANT)
    wait_s, away = _LOOK_S, False
    while not stop.wait(wait_s):
        wait_s = _LOOK_S
        try:
            if schedules.due(clock.now_ns()) and claim.take(_CLAIM_NS):
                wait_s = _LOOK_S if _made(context, stop) else _AGAIN_S
                claim.give_back()
            away = False
        except LegatoError as error:
            if not away:
                log.warning("scheduled reports wait", extra={"reason": error.message})
            away = True
        except Exception:  # a defect must not end it: no report would come from then on
            log.exception("scheduled reports wait")


def _made(context: ProcessContext, stop: threading.Event) -> bool:
    """Have all that is due made; return whether that went well."""
    command = [sys.executable, "-m", "legato", "report", "schedule", "run", "--due"]
    command += ["--data", str(context.data.root)]
    with subprocess.Popen(  # noqa: S603 - our own program
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        waited_s = 0.0
        while process.poll() is None:
            waited_s += _WAIT_S
            if stop.wait(_WAIT_S) or waited_s > _RUN_S:
                process.kill()
                break
        told = b"" if process.stderr is None else process.stderr.read()
    if process.returncode:
        said = told.decode("utf-8", "replace")[-_TOLD_CHARACTERS:]
        log.warning("scheduled reports couldn't be made", extra={"reason": said})
    return process.returncode == 0
