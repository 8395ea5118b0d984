"""Asks detectors that run elsewhere about the texts of an answer. Fails closed where rules act."""

from time import perf_counter_ns
from typing import TYPE_CHECKING

from legato.core.errors import DetectorFailed

if TYPE_CHECKING:
    from legato.detectors.running import Detectors
    from legato.guardrails.outputs.plan import OutputRun
    from legato.telemetry.metrics import Meters

_NS_PER_MS = 1e6


class Looker:
    """Asks them; for one event loop."""

    def __init__(self, detectors: "Detectors", meters: "Meters") -> None:
        self._detectors = detectors
        self._meters = meters

    async def __call__(self, run: "OutputRun") -> None:
        """Have the gathered texts of an answer looked at.

        Raises:
            DetectorFailed: a detector of a rule that redacts or blocks couldn't look.
        """
        pieces = run.looked.pieces
        if not pieces:
            return
        began_ns = perf_counter_ns()
        asked = run.elsewhere
        outcome = await self._detectors.find(list(asked.items()), pieces, run.time_s)
        run.found.check_ms += (perf_counter_ns() - began_ns) / _NS_PER_MS
        closed = [name for name in outcome.failed if run.protects_by(name)]
        for name in outcome.failed:
            self._meters.detector(name, "closed" if name in closed else "open")
        if closed:
            why = outcome.failed[closed[0]]
            msg = f"The detector {closed[0]} couldn't look at the answer ({why})."
            raise DetectorFailed(msg)
        run.looked.take(pieces, outcome.findings)
