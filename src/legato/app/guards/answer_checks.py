"""Checks of answers as the pipeline gets them: loaded where there is a policy only.

What they run on (JSON Schema, RE2, the world's telephone numbers) takes a process 10 MiB and some
tenths of a second.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from legato.detectors.running import Detectors
    from legato.gateway.context import Call, Reply, Sink
    from legato.gateway.guards.checked import Asking
    from legato.gateway.guards.output import OutputGuard
    from legato.gateway.guards.policies import Policies
    from legato.gateway.guards.reviewing import Reviewer
    from legato.gateway.guards.sampling import Sampler
    from legato.telemetry.metrics import Meters


class AnswerChecksOpening:
    """Implements the Protocol `AnswerGuard` by one that is opened with the first policy."""

    def __init__(
        self,
        policies: "Policies",
        reviewer: "Reviewer",
        detectors: "Detectors",
        meters: "Meters",
        *,
        sampler: "Sampler | None" = None,
    ) -> None:
        self._policies = policies
        self._detectors = detectors
        self._meters = meters
        self._reviewer = reviewer
        self._sampler = sampler
        self._opened: OutputGuard | None = None

    def open(self) -> "OutputGuard":
        """Load them: before a policy is in force, and off the event loop."""
        if self._opened is None:
            from legato.app.guards.output_checks import (  # noqa: PLC0415 - where there is a policy only
                output_guard,
            )

            self._opened = output_guard(
                self._policies,
                self._reviewer,
                self._detectors,
                self._meters,
                sampler=self._sampler,
            )
        return self._opened

    def passes(self, _call: "Call") -> bool:
        """Whether there is no policy at all."""
        return self._policies.idle

    def prepare(self, call: "Call") -> None:
        """Find out what is asked of a call's answer."""
        self.open().prepare(call)

    async def answered(self, call: "Call", sink: "Sink", ask: "Asking") -> "Reply":
        """Return an answer that may go out. Raises what `OutputGuard.answered` does."""
        return await self.open().answered(call, sink, ask)
