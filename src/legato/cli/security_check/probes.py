"""Values that nobody has, one of each label, and which of them the operator's policies mask."""

from collections.abc import Iterator
from types import MappingProxyType
from typing import Final

import msgspec

from legato.cli.security_check.bench import OK, Bench
from legato.cli.security_check.configuration import FAILING, Caller
from legato.core.config import Config
from legato.core.config_guardrails import GuardPolicy, GuardRule
from legato.core.guarding import Action, Place
from legato.guardrails.policy.labels import GROUPS, labels_of

VALUES: Final = MappingProxyType(
    {
        "EMAIL_ADDRESS": "ann.lee@corp-mail.org",
        "CREDIT_CARD": "4539 1488 0343 6467",
        "IBAN_CODE": "DE89 3704 0044 0532 0130 00",
        "PHONE_NUMBER": "+1 415-867-5309",
        "US_SSN": "536-90-4399",
        "IP_ADDRESS": "203.0.114.77",
        "SECRET": "ghp_" + "ieZF3AoYT1TbsbF8OYu72FYVMnmj4lm2ox3j",
        "PERSON": "Margaret Holloway",
    }
)
"""By label. Made up: from test ranges, or with valid check digits that belong to no one known."""
_CONTEXT: Final = MappingProxyType(
    {
        "EMAIL_ADDRESS": "Write to {} please.",
        "CREDIT_CARD": "My credit card is {} today.",
        "IBAN_CODE": "The IBAN is {} here.",
        "PHONE_NUMBER": "Please call {} now.",
        "US_SSN": "Her social security number (SSN) is {} indeed.",
        "IP_ADDRESS": "The IP address is {} here.",
        "SECRET": "The token is {} today.",
        "PERSON": "My name is {} and I live here.",
    }
)
_PLAIN: Final = "The value is {} here."


class Probe(msgspec.Struct, frozen=True):
    """A value that a policy of the operator's is about."""

    label: str
    value: str
    text: str
    """A sentence with the value."""


class Probed(msgspec.Struct, frozen=True):
    """What became of the values at a first try."""

    masked: tuple[Probe, ...] = ()
    blocked: tuple[Probe, ...] = ()
    leaked: tuple[tuple[Probe, str], ...] = ()
    """With the reason, "" where the configuration tells none."""
    other: tuple[tuple[Probe, str], ...] = ()
    """Neither answered nor blocked: with the status and the code."""

    @property
    def none(self) -> bool:
        """Whether no policy is about any of the values."""
        return not (self.masked or self.blocked or self.leaked or self.other)


def protecting(config: Config) -> list[GuardPolicy]:
    """Return the policies with a rule that redacts or blocks something in what callers send."""
    policies = config.guardrails.policies
    return [one for one in policies if any(_protects(rule) for rule in one.rules)]


def spoken(bench: Bench) -> list[Probe]:
    """Return values that rules on answers, for this caller and route, redact or block."""
    policies = [one for one in bench.config.guardrails.policies if _applies(one, bench)]
    probes = list(_probes(policies, (), Place.OUTPUT))
    leaks = [one.output.leaks for one in policies if one.output and one.output.leaks]
    canaries = [text for leak in leaks if leak.action != "flag" for text in leak.canaries[:1]]
    return [*probes, *(Probe("canary", text, _PLAIN.format(text)) for text in canaries)]


def probe(bench: Bench, own_values: tuple[str, ...]) -> Probed:
    """Send each value that a policy for this caller and route names, once."""
    policies = [one for one in protecting(bench.config) if _applies(one, bench)]
    masked, blocked, leaked, other = [], [], [], []
    for one in _probes(policies, own_values):
        before = len(bench.models.bodies)
        answer = bench.ask("chat", one.text)
        if one.value in bench.models.sent_since(before):
            leaked.append((one, _why(policies)))
        elif answer.status == OK:
            masked.append(one)
        elif answer.blocked:
            blocked.append(one)
        else:
            other.append((one, answer.code))
    return Probed(tuple(masked), tuple(blocked), tuple(leaked), tuple(other))


def guarded_caller(config: Config) -> tuple[Caller, str | None]:
    """Return a caller, and a route, that the first policy that protects is attached to."""
    for policy in protecting(config):
        at = policy.attach
        names = {
            field: given[0]
            for field, given in (
                ("name", at.keys),
                ("team", at.teams),
                ("feature", at.features),
                ("org", at.orgs),
            )
            if given
        }
        known = [route.alias for route in config.routes] + [one.name for one in config.deployments]
        return Caller(**{"name": FAILING.replace("failing", "caller")} | names), next(
            (name for name in (*(at.routes or ()), *(at.deployments or ())) if name in known), None
        )
    return Caller("security-check-caller"), None


def _probes(
    policies: list[GuardPolicy], own_values: tuple[str, ...], place: Place = Place.INPUT
) -> Iterator[Probe]:
    labels: set[str] = set()
    words: list[tuple[str, str]] = []
    for rule in (one for policy in policies for one in policy.rules if _protects(one, place)):
        labels |= _labels(rule)
        words += [(f"CUSTOM:{name}", some[0]) for name, some in rule.detect.words.items()]
    for label, value in VALUES.items():
        if label in labels:
            yield Probe(label, value, _CONTEXT[label].format(value))
    for label, value in (*words, *(("given", one) for one in own_values)):
        yield Probe(label, value, _PLAIN.format(value))


def _labels(rule: GuardRule) -> frozenset[str]:
    detect = rule.detect
    named = labels_of(detect.labels)
    if detect.detectors is None:
        return named
    found = frozenset[str]()
    if "structured" in detect.detectors:
        found |= GROUPS["personal"] | GROUPS["secrets"]
    if "names" in detect.detectors:
        found |= GROUPS["names"]
    return found & named if detect.labels else found


def _protects(rule: GuardRule, place: Place = Place.INPUT) -> bool:
    return rule.action in {Action.REDACT, Action.BLOCK} and place in rule.on


def _applies(policy: GuardPolicy, bench: Bench) -> bool:
    at, caller = policy.attach, bench.caller
    fits = (
        (at.orgs, caller.org),
        (at.teams, caller.team),
        (at.features, caller.feature),
        (at.keys, caller.name),
        (at.routes, bench.route),
        (at.deployments, bench.route),  # called by its own name
    )
    return all(given is None or own in given for given, own in fits)


def _why(policies: list[GuardPolicy]) -> str:
    if policies and all(policy.mode == "shadow" for policy in policies):
        return f"{', '.join(policy.name for policy in policies)}: in mode shadow"
    return ""
