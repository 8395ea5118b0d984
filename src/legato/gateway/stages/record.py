"""The last stage: one trace record and the metrics of every request, however it ended."""

from time import perf_counter_ns
from typing import TYPE_CHECKING

from legato.core.decisions import FROM_CACHE
from legato.core.errors import NotAccountable
from legato.core.money import NanoUSD
from legato.core.records import ArmOutcome, Served, ShadowOutcome, encode_record
from legato.gateway.decisions import Decided
from legato.gateway.stages.rules import RuleWarnings
from legato.routing.assignment import unit_of
from legato.telemetry.metrics import Meters

if TYPE_CHECKING:
    from collections.abc import Callable

    from legato.core.decisions import Decision, Routed
    from legato.core.principal import Principal
    from legato.gateway.context import Call

_NS_PER_US = 1_000
_OK = 200
_NO_OUTCOMES = frozenset({"cancelled", "rate_limit_exceeded", "budget_exceeded"})
"""Callers who left, and limits of their own: no version's success or failure."""


class RecordStage:
    """Writes the trace record. No await in it: cancellation can't cut it."""

    def __init__(
        self, append: "Callable[[bytes], None]", meters: Meters, config_version: str = ""
    ) -> None:
        """`config_version` is the content hash of the configuration that decides."""
        self._append = append
        self._meters = meters
        self._decided = Decided(append, config_version)
        self._rule_passed_over = RuleWarnings()

    def __call__(self, call: "Call") -> None:
        """Record a finished request; one that nobody was authenticated for is only counted."""
        total_us = (perf_counter_ns() - call.started_ns) // _NS_PER_US
        deployment = "" if call.deployment is None else call.deployment.name
        first_byte_us = (
            (call.first_byte_ns - call.started_ns) // _NS_PER_US if call.first_byte_ns else 0
        )
        self._meters.request(
            (
                call.surface.name,
                "" if call.route is None else call.route.alias,
                deployment,
                str(call.http_status),
                call.cache,
            ),
            latency_us=total_us,
            overhead_us=max(0, total_us - call.upstream_ns // _NS_PER_US),
        )
        for failure in call.failures:
            self._meters.failure(failure.deployment, failure.code)
        if call.guarded is not None:
            for fired in call.guarded.fired:
                key = (fired.policy.partition("@")[0], fired.rule, fired.action, fired.mode)
                self._meters.guardrail(key)
        if call.redaction is not None:
            self._meters.restored(call.redaction.restored, call.redaction.unknown)
        principal = call.principal
        if principal is None:
            return
        if call.attempts or call.cache in FROM_CACHE:
            self._spent(call, principal)
        if call.routed is not None and call.route is not None:
            self._count_rules(call.route.alias, call.routed)
        if call.outputs is not None:
            for one in call.outputs.facts.fired:
                self._meters.answer_check(one.check, one.action, one.count)
        if first_byte_us and deployment:
            self._meters.first_byte(deployment, first_byte_us)
        self._write_served(call, principal, total_us, first_byte_us)
        if (call.arm or call.holdout) and call.error_code not in _NO_OUTCOMES:
            for arm in filter(None, (call.arm, call.holdout)):
                self._write(encode_record(_arm_outcome(call, principal, arm, total_us)))

    def _count_rules(self, alias: str, routed: "Routed") -> None:
        if routed.rule:
            self._meters.rule(alias, routed.rule, "decided")
        for result, rules in (("failed", routed.failed), ("emptied", routed.emptied)):
            for rule in rules:
                self._meters.rule(alias, rule, result)
                self._rule_passed_over(alias, rule, result)

    def trace(self, call: "Call") -> None:
        """Record a finished request that is no call of a model: the metrics don't know it."""
        if call.principal is not None:
            total_us = (perf_counter_ns() - call.started_ns) // _NS_PER_US
            self._write(encode_record(_served(call, call.principal, total_us, 0)))

    def _write_served(
        self, call: "Call", principal: "Principal", total_us: int, first_byte_us: int
    ) -> None:
        try:
            decision = self._decided.decision(call)
        except NotAccountable:
            self._meters.trace_lost()
            return
        served = _served(call, principal, total_us, first_byte_us, decision=decision)
        self._write(encode_record(served))

    def shadow(self, call: "Call", outcome: ShadowOutcome) -> None:
        """Record a copy of a call, and what it is beside the call. It counts as no request."""
        self.overhead(call)
        self._write(encode_record(outcome))

    def overhead(self, call: "Call") -> None:
        """Record a call of our own, which counts as no request: what it cost, and its trace."""
        principal = call.principal
        if call.attempts and principal is not None:
            self._spent(call, principal)
            total_us = (perf_counter_ns() - call.started_ns) // _NS_PER_US
            self._write_served(call, principal, total_us, 0)

    def _spent(self, call: "Call", principal: "Principal") -> None:
        """Count what the call cost, each attempt at the deployment that it was made at."""
        team, feature, cost = principal.team, principal.feature, call.cost
        tokens = _billed_tokens(call)
        for lost in call.lost:
            if cost is not None and lost.cost is not None:
                cost = NanoUSD(cost - lost.cost)
                taken = (lost.usage.input_tokens, lost.usage.output_tokens)
                key = (team, feature, lost.deployment)
                self._meters.spent(key, tokens=taken, cost=lost.cost, baseline=None)
                if lost.usage is call.usage:  # a cut stream: nothing else answered
                    tokens = 0, 0
        if call.lost and call.deployment is None and cost is not None:
            return  # nobody answered: all of it was lost
        deployment = "" if call.deployment is None else call.deployment.name
        key = (team, feature, deployment)
        self._meters.spent(key, tokens=tokens, cost=cost, baseline=call.baseline_cost)

    def _write(self, record: bytes) -> None:
        try:
            self._append(record)
        except NotAccountable:
            # the journal is full: what is left of it belongs to the settles of running calls
            self._meters.trace_lost()


def _arm_outcome(call: "Call", principal: "Principal", arm: str, total_us: int) -> ArmOutcome:
    return ArmOutcome(
        call.request_id,
        principal.org,
        arm,
        call.arrived_ns,
        unit_of(call.user, call.request_id),
        call.http_status == _OK,
        call.cost,
        total_us,
        None if call.guarded is None else call.guarded.triggered,
    )


def _served(
    call: "Call",
    principal: "Principal",
    total_us: int,
    first_byte_us: int,
    *,
    decision: "Decision | None" = None,
) -> Served:
    deployment = call.deployment
    return Served(
        call.request_id,
        call.arrived_ns,
        principal.org,
        principal.team,
        principal.feature,
        principal.key_id,
        call.surface.name,
        # a name that nothing has may be anything, a prompt or a key among them
        "" if call.route is None else call.view.model,
        "" if deployment is None else deployment.name,
        "" if deployment is None else deployment.provider_name,
        call.model_served,
        call.attempts,
        call.http_status,
        call.error_code,
        call.view.stream,
        call.cache,
        call.cost,
        total_us,
        first_byte_us,
        call.upstream_ns // _NS_PER_US,
        _stages(call),
        call.trace_id,
        call.span_parent,
        call.sampled,
        call.usage,
        call.versions_with(deployment),
        call.arms,
        decision,
        call.guarded,
    )


def _stages(call: "Call") -> tuple[tuple[str, int], ...]:
    before_ns = call.started_ns
    stages = []
    for name, at_ns in call.marks:
        stages.append((name, (at_ns - before_ns) // _NS_PER_US))
        before_ns = at_ns
    return tuple(stages)


def _billed_tokens(call: "Call") -> tuple[int, int]:
    if call.cache in FROM_CACHE:
        return 0, 0
    return call.usage.input_tokens, call.usage.output_tokens
