"""Says what policies would do with a text that nobody sends: nothing is called, nothing is kept."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, Final

from legato.api.control.guard_services import Hit, PolicyAsked, Previewed
from legato.app.checks.guardrail_checks import known_to_policies
from legato.app.guards.policy_reading import file_policies
from legato.core.config import Config
from legato.core.errors import InvalidRequest
from legato.core.guarding import Detector, Finding, Piece, Place
from legato.detectors.directory import is_ours, kind_of, unnamed
from legato.detectors.running import Detectors, Opened
from legato.gateway.guards.policies import wanted
from legato.guardrails.policy.compiling import CompiledPolicy, compiled_policy
from legato.guardrails.policy.deciding import hits_of, verdict_of
from legato.registry.guardrails import check_guardrail, read_guardrail

_TIME_S: Final = 10.0
_TOPICS: Final = "topics"
_JUDGE: Final = "judge"
_TERMS: Final = "input terms"


class _Here:
    """A detector that otherwise has a process of its own."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self.name = detector.name
        self.labels = detector.labels

    async def find_all(self, pieces: Sequence[Piece]) -> Sequence[Sequence[Finding]]:
        """Return what is in each piece."""
        return [self._detector.find(one.text, one.place) for one in pieces]


class GuardPreview:
    """One instance's policies, asked about a text."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._detectors = cache(_opened)
        self._file = cache(lambda: file_policies(config))

    def check(self, content: Any) -> None:
        """Refuse a draft that can't become a version. Raises ContentInvalid, ComplianceBroken."""
        check_guardrail(content, known_to_policies(self._config))

    def look(
        self, org: str, asked: Sequence[PolicyAsked] | None, text: str, place: Place
    ) -> Previewed:
        """Look into a text by some policies; None: by those of the configuration.

        Raises:
            InvalidRequest: a detector couldn't look.
        """
        policies = self._of_file(org) if asked is None else [_compiled(one, org) for one in asked]
        labels = known_to_policies(self._config).detectors
        asking = [one.name for one in wanted(policies, labels, {place})]
        detectors = self._detectors()
        here = [name for name in asking if name in detectors.labels]
        piece = Piece(text, "", place)
        outcome = asyncio.run(
            detectors.find([(name, frozenset({place})) for name in here], [piece], _TIME_S)
        )
        if outcome.failed:
            name, why = next(iter(outcome.failed.items()))
            raise InvalidRequest(f"the detector {name} couldn't look ({why})", param="text")
        findings = outcome.findings[0]
        action = verdict_of(policies, [(piece, findings)]).action
        return Previewed(
            tuple(one.version for one in policies),
            "" if action is None else action.value,
            tuple(_hits(policies, piece, findings)),
            (*(name for name in asking if name not in here), *_elsewhere(policies, place)),
        )

    def _of_file(self, org: str) -> list[CompiledPolicy]:
        orgs = ((one, one.setting.attach.orgs) for one in self._file())
        return [one for one, named in orgs if named is None or org in named]


def _compiled(one: PolicyAsked, org: str) -> CompiledPolicy:
    return compiled_policy(read_guardrail(one.name, one.content), one.version, org)


def _opened() -> Detectors:
    """Open what comes with Legato and needs no settings."""
    quick, slow = dict[str, Detector](), {}
    for name in unnamed():
        kind = kind_of(name)
        if not is_ours(name):
            continue
        if kind.quick:
            quick[name] = kind({})
        else:
            slow[name] = _Here(kind({}))

    async def at_once(work: Callable[[], Any]) -> Any:
        return work()

    detectors = Detectors(lambda: Opened(quick, slow), at_once)
    detectors.open()
    return detectors


def _hits(
    policies: Sequence[CompiledPolicy], piece: Piece, findings: Sequence[Finding]
) -> Iterator[Hit]:
    for policy in policies:
        for hit in hits_of(policy, piece, findings):
            found = hit.finding
            yield Hit(
                policy.version,
                hit.rule.setting.name,
                found.label,
                hit.rule.setting.action.value,
                hit.enforced,
                found.start,
                found.end,
                found.score,
                found.detector,
            )


def _elsewhere(policies: Sequence[CompiledPolicy], place: Place) -> Iterator[str]:
    """Yield what else a request is held against: an embedder, a judge, conditions."""
    rules = [rule for one in policies for rule in one.rules_on({place})]
    if any(rule.reads_topics for rule in rules):
        yield _TOPICS
    if any(rule.setting.judge is not None for rule in rules):
        yield _JUDGE
    if any(one.setting.input.conditions for one in policies):
        yield _TERMS
