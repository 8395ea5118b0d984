"""The policies a call comes under, as plans for checking its answer."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import msgspec

from legato.core.errors import DetectorFailed
from legato.core.guard_output import OnOutput, OutputChecks
from legato.core.guarding import Action, Detector, Finding, Mode, Place
from legato.gateway.guards.reviewing import reviewed_by
from legato.guardrails.outputs.finder import WindowFinder
from legato.guardrails.outputs.holding import Watch
from legato.guardrails.outputs.looking import SlowRule
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
Labels = Mapping[str, frozenset[str]]
_NONE: Final[Labels] = MappingProxyType({})
_PLANS_MAX: Final = 1_000
PoliciesFor = Callable[["Call"], "Sequence[CompiledPolicy]"]


class Plans:
    """Makes each policy's plan once."""

    def __init__(
        self,
        policies_for: PoliciesFor,
        detectors: Callable[[], Mapping[str, Detector]],
        labels: Callable[[], Labels] = dict,
    ) -> None:
        """`detectors` opens the quick ones: they look into answers as they come.

        `labels` are what each of all detectors may find.
        """
        self._labels = labels
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
                self._known[policy] = plan_of(policy, self._detectors(), self._labels())
            plan = self._known[policy]
            if plan is not None:
                plans.append(plan)
        return plans


def plan_of(
    policy: "CompiledPolicy", detectors: Mapping[str, Detector], labels: Labels = _NONE
) -> OutputPlan | None:
    """Return what a policy asks of answers; None where that is nothing.

    `labels` are what each of all detectors may find: those that aren't quick are asked elsewhere.
    """
    rules = policy.rules_on(OF_ANSWERS)
    checks = policy.setting.output
    if checks is None and not rules:
        return None
    checks = checks or OutputChecks()
    enforced = policy.setting.mode is Mode.ENFORCE
    watches: list[Watch] = []
    slow: list[SlowRule] = []
    for index, rule in enumerate(policy.rules):
        if rule not in rules or rule.setting.action not in _ACTIONS or rule.only_elsewhere:
            continue
        asked = _elsewhere(policy.rules[: index + 1], detectors, labels)
        if asked:
            slow.append(_slow(policy, index, detectors, asked))
        else:
            watches.append(
                _watch(policy, index, detectors, window=checks.hold_back_chars, enforced=enforced)
            )
    return OutputPlan(
        policy.version,
        checks,
        enforced=enforced,
        rules=watches,
        policy=policy,
        reviewed=[f"rules.{one.setting.name}" for one in reviewed_by(policy)],
        slow=slow,
    )


def _elsewhere(
    rules: "Sequence[CompiledRule]", quick: Mapping[str, Detector], labels: Labels
) -> dict[str, frozenset[Place]]:
    """Return the detectors elsewhere that the last of some rules needs, exceptions included."""
    *before, rule = rules
    if not _missing(rule, quick, labels):
        return {}
    exceptions = [one for one in before if one.setting.action is Action.ALLOW]
    asked: dict[str, frozenset[Place]] = {}
    for one in (rule, *exceptions):
        for name in _missing(one, quick, labels):
            asked[name] = rule.places & OF_ANSWERS
    return asked


def _missing(rule: "CompiledRule", quick: Mapping[str, Detector], labels: Labels) -> frozenset[str]:
    """Return the detectors that find what no quick one does, or that a rule names."""
    unknown = set(_unasked(rule, tuple(quick.values())))
    if not unknown:
        return frozenset()
    wanted = labels_of([one for one in rule.setting.detect.labels if one in unknown])
    return frozenset(
        name
        for name, finds in labels.items()
        if name not in quick
        and (rule.detectors is None or name in rule.detectors)
        and (name in unknown or wanted & finds)
    )


def _slow(
    policy: "CompiledPolicy",
    index: int,
    quick: Mapping[str, Detector],
    asked: dict[str, frozenset[Place]],
) -> SlowRule:
    rule = policy.rules[index]
    exceptions = [one for one in policy.rules[:index] if one.setting.action is Action.ALLOW]
    watch = Watch(
        f"rules.{rule.setting.name}",
        WindowFinder(_nothing, 0),
        _ACTIONS[rule.setting.action],
        policy.is_enforced,
        rule.places & OF_ANSWERS,
        (policy, rule),
    )
    find = partial(_found_elsewhere, rule, exceptions, detectors=tuple(quick.values()))
    return SlowRule(watch, find, asked, policy.setting.time_ms / 1000)


def _nothing(_text: str) -> list[Finding]:
    return []


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
        (policy, rule),
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
        f"The rule {rule} looks for {', '.join(unknown)} in answers, and no detector of this "
        "instance finds that. Install it, or take `output` and `tool_call` out of the rule's `on`."
    )
    raise DetectorFailed(msg)


def _found(
    rule: "CompiledRule",
    exceptions: "Sequence[CompiledRule]",
    detectors: Sequence[Detector],
    text: str,
) -> list[Finding]:
    """Return what a rule looks for in a text, less what a rule before it allows."""
    return _found_elsewhere(rule, exceptions, (), text, detectors=detectors)


def _found_elsewhere(
    rule: "CompiledRule",
    exceptions: "Sequence[CompiledRule]",
    told: Sequence[Finding],
    text: str,
    *,
    detectors: Sequence[Detector],
) -> list[Finding]:
    """Return what a rule looks for in a text, of what detectors elsewhere told of it, too."""
    found = [*_of(rule, detectors, text), *filter(rule.fits, told)]
    if not found:
        return found
    allowed = [
        each for one in exceptions for each in (*_of(one, detectors, text), *filter(one.fits, told))
    ]
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
