"""The policies a call comes under, as plans for checking its answer."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec

from legato.core.errors import DetectorFailed
from legato.core.guard_output import OnOutput, OutputChecks
from legato.core.guarding import Action, Detector, Finding, Mode, Place
from legato.gateway.guards.reviewing import reviewed_by
from legato.guardrails.outputs.finder import WindowFinder
from legato.guardrails.outputs.holding import Watch
from legato.guardrails.outputs.plan import OutputPlan
from legato.guardrails.policy.labels import labels_of

if TYPE_CHECKING:
    from legato.gateway.context import Call
    from legato.guardrails.policy.compiling import CompiledPolicy, CompiledRule

OF_ANSWERS: Final = frozenset({Place.OUTPUT, Place.TOOL_CALL})
_ACTIONS: Final = {
    Action.FLAG: OnOutput.FLAG,
    Action.REDACT: OnOutput.REDACT,
    Action.BLOCK: OnOutput.BLOCK,
}
_PLANS_MAX: Final = 1_000
PoliciesFor = Callable[["Call"], "Sequence[CompiledPolicy]"]


class Plans:
    """Makes each policy's plan once."""

    def __init__(
        self, policies_for: PoliciesFor, detectors: Callable[[], Mapping[str, Detector]]
    ) -> None:
        """`detectors` opens the quick ones: they look into answers as they come."""
        self._policies_for = policies_for
        self._detectors = detectors
        self._known: dict[CompiledPolicy, OutputPlan | None] = {}

    def __call__(self, call: "Call") -> list[OutputPlan]:
        """Return the plans for a call; policies that say nothing of answers have none."""
        plans: list[OutputPlan] = []
        for policy in self._policies_for(call):
            if policy not in self._known:
                if len(self._known) >= _PLANS_MAX:
                    self._known.clear()
                self._known[policy] = plan_of(policy, self._detectors())
            plan = self._known[policy]
            if plan is not None:
                plans.append(plan)
        return plans


def plan_of(policy: "CompiledPolicy", detectors: Mapping[str, Detector]) -> OutputPlan | None:
    """Return what a policy asks of answers; None where that is nothing."""
    rules = policy.rules_on(OF_ANSWERS)
    checks = policy.setting.output
    if checks is None and not rules:
        return None
    checks = checks or OutputChecks()
    enforced = policy.setting.mode is Mode.ENFORCE
    watches = [
        _watch(policy, index, detectors, window=checks.hold_back_chars, enforced=enforced)
        for index, rule in enumerate(policy.rules)
        if rule in rules and rule.setting.action in _ACTIONS and not rule.only_topics
    ]
    return OutputPlan(
        policy.version,
        checks,
        enforced=enforced,
        rules=watches,
        policy=policy,
        reviewed=[f"rules.{one.setting.name}" for one in reviewed_by(policy)],
    )


def _watch(
    policy: "CompiledPolicy",
    index: int,
    detectors: Mapping[str, Detector],
    *,
    window: int,
    enforced: bool,
) -> Watch:
    rule = policy.rules[index]
    exceptions = [one for one in policy.rules[:index] if one.setting.action is Action.ALLOW]
    unknown = _unasked(rule, tuple(detectors.values()))
    if unknown and enforced and rule.protects:
        return Watch(
            f"rules.{rule.setting.name}",
            WindowFinder(partial(_refuse, rule.setting.name, unknown), window),
            OnOutput.BLOCK,
            enforced,
            rule.places & OF_ANSWERS,
        )
    find = partial(_found, rule, exceptions, tuple(detectors.values()))
    return Watch(
        f"rules.{rule.setting.name}",
        WindowFinder(find, window),
        _ACTIONS[rule.setting.action],
        enforced,
        rule.places & OF_ANSWERS,
    )


def _unasked(rule: "CompiledRule", detectors: Sequence[Detector]) -> list[str]:
    """Return the labels, groups and detectors of a rule that nothing finds or asks in answers."""
    asked = [one for one in detectors if rule.detectors is None or one.name in rule.detectors]
    known = frozenset[str]().union(*(one.labels for one in asked))
    unknown = [one for one in rule.setting.detect.labels if not labels_of([one]) & known]
    quick = {one.name for one in asked}
    return unknown + [one for one in rule.setting.detect.detectors or () if one not in quick]


def _refuse(rule: str, unknown: Sequence[str], _text: str) -> list[Finding]:
    msg = (
        f"The rule {rule} looks for {', '.join(unknown)} in answers, and no detector that is quick "
        "enough for answers finds that. Take `output` and `tool_call` out of its `on`."
    )
    raise DetectorFailed(msg)


def _found(
    rule: "CompiledRule",
    exceptions: "Sequence[CompiledRule]",
    detectors: Sequence[Detector],
    text: str,
) -> list[Finding]:
    """Return what a rule looks for in a text, less what a rule before it allows."""
    found = _of(rule, detectors, text)
    if not found:
        return found
    allowed = [each for one in exceptions for each in _of(one, detectors, text)]
    return [
        each
        for each in found
        if not any(one.start <= each.start and each.end <= one.end for one in allowed)
    ]


def _of(rule: "CompiledRule", detectors: Sequence[Detector], text: str) -> list[Finding]:
    found = [] if rule.custom is None else list(rule.custom.find(text))
    for detector in detectors:
        if rule.labels is not None and not (rule.labels & detector.labels):
            continue
        if rule.detectors is not None and detector.name not in rule.detectors:
            continue
        told = (
            msgspec.structs.replace(one, detector=detector.name)  # as rules call it
            for one in detector.find(text, Place.OUTPUT)
        )
        found += [one for one in told if rule.fits(one)]
    return found
