"""Which names that callers use a policy holds for, whoever calls, and what is held back there."""

from collections.abc import Iterable, Sequence
from typing import Final

from legato.core.config import Config
from legato.core.config_guardrails import GuardPolicy
from legato.core.guarding import Action, Mode, Place
from legato.guardrails.policy.compliance import SCORE_MAX
from legato.guardrails.policy.labels import GROUPS, labels_of

_SENT: Final = frozenset({Place.INPUT, Place.TOOL_RESULT, Place.DOCUMENT})
_HOLDS_BACK: Final = frozenset({Action.REDACT, Action.BLOCK})


def callable_names(config: Config) -> list[str]:
    """Return every name that a caller can send a request to."""
    return sorted({one.alias for one in config.routes} | {one.name for one in config.deployments})


def over_everybody(name: str, config: Config, policies: Iterable[GuardPolicy]) -> list[GuardPolicy]:
    """Return the enforced policies that hold for requests to a name whoever sends them."""
    route = next((one for one in config.routes if one.alias == name), None)
    deployments = frozenset([name] if route is None else route.deployments)
    found = []
    for one in policies:
        at = one.attach
        narrowed = at.orgs or at.teams or at.features or at.keys
        fits_route = at.routes is None or name in at.routes
        # any of the route's deployments may get the request, so all must be meant
        fits_deployment = at.deployments is None or deployments <= frozenset(at.deployments)
        if one.mode is Mode.ENFORCE and not narrowed and fits_route and fits_deployment:
            found.append(one)
    return found


def holds_back(policies: Sequence[GuardPolicy], group: str) -> bool:
    """Whether policies together redact or block all labels of a group in all that is sent.

    A rule that asks for a greater score than the default, or only some detectors, doesn't count;
    a policy that makes exceptions doesn't either.
    """
    strict = [one for one in policies if not any(rule.action is Action.ALLOW for rule in one.rules)]
    held = {
        (label, place)
        for policy in strict
        for rule in policy.rules
        if rule.action in _HOLDS_BACK
        and rule.detect.detectors is None
        and rule.at_least <= SCORE_MAX
        for label in labels_of(rule.detect.labels)
        for place in rule.on
    }
    return {(label, place) for label in GROUPS[group] for place in _SENT} <= held


def unguarded(config: Config, policies: Sequence[GuardPolicy], group: str) -> list[str]:
    """Return the names on which a group isn't held back for everybody."""
    return [
        name
        for name in callable_names(config)
        if not holds_back(over_everybody(name, config, policies), group)
    ]
