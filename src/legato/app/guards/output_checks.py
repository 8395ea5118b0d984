"""Puts together what checks answers."""

from typing import TYPE_CHECKING

from legato.gateway.guards.looking import Looker
from legato.gateway.guards.output import OutputGuard
from legato.gateway.guards.plans import Plans
from legato.guardrails.scanning import structured

if TYPE_CHECKING:
    from collections.abc import Sequence

    from legato.core.guarding import Detector
    from legato.detectors.running import Detectors
    from legato.gateway.context import Call
    from legato.gateway.guards.policies import Policies
    from legato.gateway.guards.reviewing import Reviewer
    from legato.gateway.guards.sampling import Sampler
    from legato.guardrails.policy.compiling import CompiledPolicy
    from legato.telemetry.metrics import Meters


def output_guard(
    policies: "Policies",
    reviewer: "Reviewer",
    detectors: "Detectors",
    meters: "Meters",
    *,
    sampler: "Sampler | None" = None,
) -> OutputGuard:
    """Return what checks answers by the policies that were found to apply to the request."""

    def applying(call: "Call") -> "Sequence[CompiledPolicy]":
        return () if call.guarded is None else policies.named(call.guarded.policies)

    def quick() -> "dict[str, Detector]":
        scanner = structured()
        return {scanner.name: scanner}

    plans = Plans(applying, quick, lambda: detectors.labels)
    looker = Looker(detectors, meters)
    return OutputGuard(
        plans, lambda: policies.idle, reviewer=reviewer, looker=looker, sampler=sampler
    )
