"""A policy, ready to be asked on each request."""

from collections.abc import Collection, Iterable
from typing import Protocol

import msgspec

from legato.core.config_guardrails import Attachment, GuardPolicy, GuardRule
from legato.core.errors import ConfigInvalid
from legato.core.guard_output import OutputChecks
from legato.core.guarding import Action, Finding, Mode, Place
from legato.guardrails.policy.custom import Custom, custom_of
from legato.guardrails.policy.labels import labels_of


class Caller(Protocol):
    """Who sends a request."""

    @property
    def org(self) -> str:
        """The organisation."""
        ...

    @property
    def team(self) -> str:
        """The team."""
        ...

    @property
    def feature(self) -> str:
        """The feature."""
        ...

    @property
    def name(self) -> str:
        """The key's name."""
        ...


class CompiledRule(msgspec.Struct, frozen=True, eq=False):
    """A rule whose labels, patterns and dictionaries are ready."""

    setting: GuardRule
    labels: frozenset[str] | None
    """None: whatever its detectors find."""
    detectors: frozenset[str] | None
    """None: whichever finds the labels."""
    custom: Custom | None
    places: frozenset[Place]

    def fits(self, finding: Finding) -> bool:
        """Whether something that a detector found is what this rule looks for."""
        return (
            finding.score >= self.setting.at_least
            and (self.labels is None or finding.label in self.labels)
            and (self.detectors is None or finding.detector in self.detectors)
        )

    @property
    def reads_topics(self) -> bool:
        """Whether it asks what texts are about."""
        return bool(self.setting.detect.topics or self.setting.detect.only_topics)

    @property
    def asks_elsewhere(self) -> bool:
        """Whether it asks an embedder or a judge."""
        return self.reads_topics or self.setting.judge is not None

    @property
    def only_elsewhere(self) -> bool:
        """Whether nothing else finds anything for it."""
        only_topics = self.custom is None and self.labels == frozenset()
        return self.setting.judge is not None or (self.reads_topics and only_topics)

    @property
    def protects(self) -> bool:
        """Whether something would leak, or come through, if it went unasked."""
        return self.setting.action in {Action.REDACT, Action.BLOCK, Action.ROUTE}


class CompiledPolicy(msgspec.Struct, frozen=True, eq=False):
    """A policy and its version, as answers and traces name it."""

    setting: GuardPolicy
    version: str
    rules: tuple[CompiledRule, ...]
    org: str | None = None
    """Whose it is, where it comes of the registry."""

    def applies(
        self, caller: Caller, routes: Collection[str], deployments: Collection[str] = ()
    ) -> bool:
        """Whether the policy is for a request.

        `routes` are the names its route goes by, `deployments` all that may see it.
        """
        at = self.setting.attach
        return (
            (self.org is None or self.org == caller.org)
            and (at.orgs is None or caller.org in at.orgs)
            and (at.teams is None or caller.team in at.teams)
            and (at.features is None or caller.feature in at.features)
            and (at.keys is None or caller.name in at.keys)
            and (at.routes is None or not frozenset(at.routes).isdisjoint(routes))
            and (at.deployments is None or not frozenset(at.deployments).isdisjoint(deployments))
        )

    @property
    def is_enforced(self) -> bool:
        """Whether it acts, or only tells what it would have done."""
        return self.setting.mode is Mode.ENFORCE

    @property
    def holds_meaning(self) -> bool:
        """Whether it holds answers against sources by their meaning."""
        output = self.setting.output
        return output is not None and output.grounding is not None and output.grounding.meaning

    @property
    def enforces_reading(self) -> bool:
        """Whether it would have to act on what is sent."""
        return self.setting.mode is Mode.ENFORCE and (
            bool(self.setting.input.conditions)
            or self.setting.input.json_schema is not None
            or any(one.protects for one in self.rules)
            or _withholds(self.setting.output)
        )

    def rules_on(self, places: Iterable[Place]) -> tuple[CompiledRule, ...]:
        """Return the rules about any of these places."""
        wanted = frozenset(places)
        return tuple(one for one in self.rules if one.places & wanted)


def _withholds(checks: OutputChecks | None) -> bool:
    """Whether checks of answers may withhold one, so that none may go by them."""
    if checks is None:
        return False
    asked = (checks.json, checks.leaks, checks.links, checks.length, checks.language)
    every = (*asked, checks.grounding)
    return any(one is not None and one.action != "flag" for one in every)


def compiled_policy(setting: GuardPolicy, version: str, org: str | None = None) -> CompiledPolicy:
    """Compile a policy.

    Raises:
        ConfigInvalid: naming the rule, what is wrong, and the remedy.
    """
    return CompiledPolicy(setting, version, tuple(map(_compiled_rule, setting.rules)), org)


def attached_to_all(attach: Attachment) -> bool:
    """Whether a policy of the file is for every request."""
    return attach == Attachment()


def _compiled_rule(rule: GuardRule) -> CompiledRule:
    detect = rule.detect
    try:
        custom = custom_of(detect.patterns, detect.words)
    except ConfigInvalid as error:
        msg = f"rule {rule.name}: detect.{error.message}"
        raise ConfigInvalid(msg) from None
    own = custom is not None or bool(detect.topics or detect.only_topics)
    only_own = own and not detect.labels and detect.detectors is None
    labels = labels_of(detect.labels) if detect.labels or only_own else None
    detectors = None if detect.detectors is None else frozenset(detect.detectors)
    return CompiledRule(rule, labels, detectors, custom, frozenset(rule.on))
