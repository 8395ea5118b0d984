"""Rules that policies must keep to, whoever writes them: the operator switches them on by name."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from legato.core.config_guardrails import GuardPolicy, GuardRule
from legato.core.guarding import Action, Mode, Place
from legato.guardrails.policy.compiling import attached_to_all
from legato.guardrails.policy.labels import GROUPS, labels_of

PRODUCTION: Final = "production"
SCORE_MAX: Final = 0.5
"""What a rule may ask of findings at most, to count as one about all of them: the default."""
_GOING_OUT: Final = frozenset({Place.INPUT, Place.TOOL_RESULT, Place.DOCUMENT})
_UNTRUSTED: Final = frozenset({Place.TOOL_RESULT, Place.DOCUMENT})
_HOLDS_BACK: Final = frozenset({Action.REDACT, Action.BLOCK})


class Breach(NamedTuple):
    """Where a policy breaks a rule, and how to mend it."""

    rule: str
    field: str
    told: str


class ComplianceRule(NamedTuple):
    """One that the operator may switch on."""

    meaning: str
    of_policy: Callable[[GuardPolicy, str], Iterator[tuple[str, str]]]
    """Yields the field and the remedy for each breach in an environment."""
    required: Callable[[GuardPolicy, float], bool] | None = None
    """What one policy of the file must be that is attached to every request; rules that ask for
    a greater score than this don't count."""


class Unmet(NamedTuple):
    """A rule that asks for a policy of the file that isn't there."""

    rule: str
    too_sure: str = ""
    """The field of a policy that would be it, but for the score that it asks for."""


def _holding_back(group: str) -> Callable[[GuardPolicy, str], Iterator[tuple[str, str]]]:
    """Let no rule about a group of labels do less than redact what goes out."""

    def breaches(policy: GuardPolicy, _environment: str) -> Iterator[tuple[str, str]]:
        for index, rule in enumerate(policy.rules):
            about = _about(rule, group) and _GOING_OUT & frozenset(rule.on)
            if about and rule.action not in _HOLDS_BACK:
                remedy = f"`{group}` must be redacted or blocked where it goes out"
                yield f"rules[{index}].action", remedy

    return breaches


def _enforces(
    group: str, places: frozenset[Place], actions: frozenset[Action]
) -> Callable[[GuardPolicy, float], bool]:
    """Ask for a policy whose rules hold all of a group back in all of the places."""

    def enforced(policy: GuardPolicy, score_max: float) -> bool:
        if policy.mode is not Mode.ENFORCE or not attached_to_all(policy.attach):
            return False
        held = {
            (label, place)
            for rule in policy.rules
            if rule.action in actions
            and rule.detect.detectors is None
            and rule.at_least <= score_max
            for label in labels_of(rule.detect.labels)
            for place in rule.on
        }
        excepted = any(rule.action is Action.ALLOW for rule in policy.rules)
        wanted = {(label, place) for label in GROUPS[group] for place in places}
        return not excepted and wanted <= held

    return enforced


def _about(rule: GuardRule, group: str) -> bool:
    """Whether a rule says anything of a group; one without labels does of every one."""
    detect = rule.detect
    if not detect.labels:
        return detect.detectors is not None
    return bool(labels_of(detect.labels) & GROUPS[group])


def _no_shadow(policy: GuardPolicy, environment: str) -> Iterator[tuple[str, str]]:
    if policy.mode is Mode.SHADOW and environment == PRODUCTION:
        yield "mode", f"in {PRODUCTION} a policy must be enforced; try it in another environment"


def _no_exceptions(policy: GuardPolicy, _environment: str) -> Iterator[tuple[str, str]]:
    for index, rule in enumerate(policy.rules):
        if rule.action is Action.ALLOW:
            yield f"rules[{index}].action", "`allow` makes an exception; narrow the other rules"


def _nothing_more(_policy: GuardPolicy, _environment: str) -> Iterator[tuple[str, str]]:
    return iter(())


RULES: Final = MappingProxyType(
    {
        "no-secrets-leave": ComplianceRule(
            "Secrets are redacted or blocked in all that goes out.",
            _holding_back("secrets"),
            _enforces("secrets", _GOING_OUT, _HOLDS_BACK),
        ),
        "personal-data-masked": ComplianceRule(
            "Personal data is redacted or blocked in all that goes out.",
            _holding_back("personal"),
            _enforces("personal", _GOING_OUT, _HOLDS_BACK),
        ),
        "untrusted-content-watched": ComplianceRule(
            "Tool results and documents are looked through for injections.",
            _nothing_more,
            _enforces("injection", _UNTRUSTED, _HOLDS_BACK | {Action.FLAG, Action.ROUTE}),
        ),
        "no-shadow-on-production": ComplianceRule(
            "In the environment `production` no policy only watches.", _no_shadow
        ),
        "no-exceptions": ComplianceRule("No policy makes exceptions.", _no_exceptions),
    }
)


def breaches(policy: GuardPolicy, names: Iterable[str], environment: str) -> list[Breach]:
    """Return where a policy breaks the rules that are switched on; unknown names say nothing."""
    return [
        Breach(name, field, told)
        for name in names
        if name in RULES
        for field, told in RULES[name].of_policy(policy, environment)
    ]


def unmet(policies: Sequence[GuardPolicy], names: Iterable[str]) -> list[Unmet]:
    """Return the rules that ask for a policy of the file, for every request, that isn't there."""
    asked = ((name, RULES[name].required) for name in names if name in RULES)
    return [
        Unmet(name, _too_sure(policies, required))
        for name, required in asked
        if required is not None and not any(required(one, SCORE_MAX) for one in policies)
    ]


def _too_sure(
    policies: Sequence[GuardPolicy], required: Callable[[GuardPolicy, float], bool]
) -> str:
    """Return the first field that asks for too great a score, where that alone is amiss."""
    nearly = ((at, one) for at, one in enumerate(policies) if required(one, 1.0))
    return next(
        (
            f"policies[{at}].rules[{index}].at_least"
            for at, policy in nearly
            for index, rule in enumerate(policy.rules)
            if rule.at_least > SCORE_MAX
        ),
        "",
    )
