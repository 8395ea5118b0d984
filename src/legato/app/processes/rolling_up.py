"""The thread of the ledger process that keeps the rollups up with the ledger."""

import logging
import threading
import time
from typing import Final

from legato.core.clock import Clock
from legato.core.errors import StorageUnavailable
from legato.storage.rollups.guard_rolling import GuardRoller
from legato.storage.rollups.rolling import BY_NAME, RUNS, SPEND, USERS, WORKFLOWS, Roller

log = logging.getLogger(__name__)

_LOOK_EVERY_S: Final = 1.0
_FORGET_EVERY_S: Final = 3_600.0
_MANY: Final = {SPEND: 25_000, USERS: 50_000, RUNS: 50_000, WORKFLOWS: 50_000}
"""So many new entries are taken in at once: rows of a rollup are written each time, so a few
entries cost as much as many; and who reads adds those behind it meanwhile."""
_OLD_S: Final = {SPEND: 15.0, USERS: 120.0, RUNS: 120.0, WORKFLOWS: 60.0}
"""After so long, fewer are."""


class RollingUp:
    """Looks each second, and writes when there is enough or enough time has passed."""

    def __init__(self, roller: Roller, guards: GuardRoller, clock: Clock) -> None:
        self._roller = roller
        self._guards = guards
        self._guards_s = float("-inf")
        self._clock = clock
        self._last_s = dict.fromkeys(BY_NAME, float("-inf"))
        self._forgot_s = float("-inf")

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop. What is left then is taken in after the next start."""
        away = False
        while not stop.wait(_LOOK_EVERY_S):
            try:
                self._look(stop)
                away = False
            except StorageUnavailable as error:
                if not away:
                    log.warning("rollups wait for the database", extra={"reason": error.message})
                away = True
            except Exception:  # a defect must not end it: reads would get ever slower
                log.exception("rollups can't be kept up")

    def _look(self, stop: threading.Event) -> None:
        now_s = time.monotonic()
        if now_s - self._forgot_s >= _FORGET_EVERY_S:  # first: what is old isn't summed by hour
            for name in BY_NAME:
                self._roller.forget(name, self._clock.now_ns())
            self._forgot_s = now_s
        for name in BY_NAME:
            behind = self._roller.behind(name)
            if behind >= _MANY[name] or (behind and now_s - self._last_s[name] >= _OLD_S[name]):
                self._take_in(name, stop)
                self._last_s[name] = time.monotonic()
        if now_s - self._guards_s >= _OLD_S[SPEND]:
            while not stop.is_set() and self._guards.roll():
                pass
            self._guards_s = time.monotonic()

    def _take_in(self, name: str, stop: threading.Event) -> None:
        """Go on while there is much; half of the time is others'."""
        while not stop.is_set():
            began_s = time.monotonic()
            if self._roller.roll(name) == 0 or self._roller.behind(name) < _MANY[name]:
                return
            stop.wait(time.monotonic() - began_s)
