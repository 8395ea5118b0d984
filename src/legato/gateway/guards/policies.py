"""Policies as a worker knows them: those of the file, and a snapshot of the registry's."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from legato.core.errors import DetectorFailed
from legato.core.guarding import Place, Reach
from legato.gateway.guards.terms import Terms, terms_of
from legato.gateway.guards.topics import DETECTOR as TOPICS
from legato.guardrails.policy.compiling import CompiledPolicy, CompiledRule

if TYPE_CHECKING:
    from legato.core.principal import Principal

SENT: Final = frozenset({Place.INPUT, Place.TOOL_RESULT, Place.DOCUMENT})
"""Places of what goes to a model."""
_REMEMBERED_MAX: Final = 10_000


class Wanted(msgspec.Struct, frozen=True):
    """A detector that policies ask for: where, and whether a failure of it stops a request."""

    name: str
    places: frozenset[Place]
    protects: bool


class Applied(msgspec.Struct, frozen=True, eq=False):
    """The policies for one key's requests to one route."""

    policies: tuple[CompiledPolicy, ...]
    terms: tuple[Terms, ...]
    """What requests must be like, of each policy that says so."""
    detectors: tuple[Wanted, ...]
    """For what is sent."""
    time_s: float
    """The least of what the policies give to detectors."""
    broken: tuple[str, ...] = ()
    """Policies that can't be read: nothing may pass."""
    topics: tuple[CompiledRule, ...] = ()
    """Rules that ask what is sent is about."""
    judged: tuple[tuple[CompiledPolicy, CompiledRule], ...] = ()
    """Rules that ask a judge before they act, with their policies."""
    topics_protect: bool = False
    """Whether one of them is enforced that blocks or routes."""

    @property
    def protecting(self) -> tuple[str, ...]:
        """Detectors, and `topics`, whose failure stops a request."""
        named = tuple(one.name for one in self.detectors if one.protects)
        return (*named, TOPICS) if self.topics_protect else named

    @property
    def inquires(self) -> bool:
        """Whether something has to be asked elsewhere."""
        return bool(self.topics or self.judged)

    @property
    def reads(self) -> bool:
        """Whether any rule looks into what is sent."""
        return any(rule.places & SENT for policy in self.policies for rule in policy.rules)

    @property
    def versions(self) -> tuple[str, ...]:
        """The policies as records name them, in the order they are asked."""
        return tuple(one.version for one in self.policies)


class Snapshot(msgspec.Struct, frozen=True, eq=False):
    """All policies at one moment."""

    policies: tuple[CompiledPolicy, ...] = ()
    broken: Mapping[str, tuple[str, ...]] = {}
    """By organisation: versions that can't be read."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to ask."""
        return not (self.policies or self.broken)


class Policies:
    """The policies in force; swapped whole when one of the registry changes."""

    def __init__(
        self,
        file: Sequence[CompiledPolicy],
        labels: Callable[[], Mapping[str, frozenset[str]]],
        *,
        complete: bool = False,
    ) -> None:
        """`labels` tells those of each detector. Unless `complete`, the registry must be read."""
        self._file = tuple(file)
        self._labels = labels
        self._snapshot = Snapshot(self._file)
        self._applied: dict[tuple[str, str, str, str, Reach], Applied] = {}
        self.loaded = complete
        self.idle = complete and not self._file
        """Whether there is no policy at all: then requests pass without being looked at."""

    def swap(self, registry: Snapshot) -> None:
        """Put these in the place of what was known of the registry."""
        self._snapshot = Snapshot((*self._file, *registry.policies), registry.broken)
        self._applied = {}
        self.loaded, self.idle = True, self._snapshot.empty

    @property
    def file_embeds(self) -> bool:
        """Whether a policy of the file asks what texts are about, or mean."""
        return any(
            any(rule.reads_topics for rule in one.rules) or one.holds_meaning for one in self._file
        )

    def detectors(self, registry: Snapshot) -> frozenset[str]:
        """Return the detectors that policies of the file, and these, ask for anywhere."""
        policies = (*self._file, *registry.policies)
        return frozenset(one.name for one in wanted(policies, self._labels(), frozenset(Place)))

    def applying(self, caller: "Principal", reach: Reach) -> Applied:
        """Return what applies to a request, by how far it may get."""
        # not by the key's id: a key may come to another team while it lives
        key = (caller.org, caller.team, caller.feature, caller.name, reach)
        found = self._applied.get(key)
        if found is None:
            if len(self._applied) >= _REMEMBERED_MAX:
                self._applied.clear()
            found = self._applied[key] = self._of(caller, reach)
        return found

    def _attached(self, caller: "Principal", reach: Reach) -> tuple[CompiledPolicy, ...]:
        """Return the policies for a request, those of deployments that rules send to, too."""
        deployments = reach.deployments
        while True:
            found = tuple(
                one
                for one in self._snapshot.policies
                if one.applies(caller, reach.names, deployments)
            )
            sent_to = frozenset(
                rule.setting.deployment
                for one in found
                for rule in one.rules
                if rule.setting.deployment is not None
            )
            if sent_to <= deployments:
                return found
            deployments |= sent_to

    def named(self, versions: Sequence[str]) -> tuple[CompiledPolicy, ...]:
        """Return policies by their versions, as `Applied.versions` has them.

        Raises:
            DetectorFailed: one of them was replaced a moment ago.
        """
        known = {one.version: one for one in self._snapshot.policies}
        if not known.keys() >= set(versions):
            msg = "The policies for this request have changed just now. Try again."
            raise DetectorFailed(msg, retry_after_s=1)
        return tuple(known[one] for one in versions)

    def _of(self, caller: "Principal", reach: Reach) -> Applied:
        policies = self._attached(caller, reach)
        return Applied(
            policies,
            tuple(terms for one in policies if (terms := terms_of(one)) is not None),
            tuple(wanted(policies, self._labels(), SENT)),
            min((one.setting.time_ms for one in policies), default=0.0) / 1000,
            self._snapshot.broken.get(caller.org, ()),
            tuple(rule for one in policies for rule in topics_of(one)),
            tuple(
                (one, rule)
                for one in policies
                for rule in one.rules_on(SENT)
                if rule.setting.judge is not None
            ),
            any(rule.protects for one in policies if one.is_enforced for rule in topics_of(one)),
        )


def topics_of(policy: CompiledPolicy) -> list[CompiledRule]:
    """Return the rules that ask what is sent is about."""
    return [rule for rule in policy.rules_on(SENT) if rule.reads_topics]


def wanted(
    policies: Sequence[CompiledPolicy],
    labels: Mapping[str, frozenset[str]],
    places: Collection[Place],
) -> Iterator[Wanted]:
    """Yield the detectors that rules about some places ask for."""
    rules = [rule for policy in policies for rule in policy.rules_on(places)]
    for name, finds in labels.items():
        asking = [rule for rule in rules if _asks(rule, name, finds)]
        if asking:
            where = frozenset(place for rule in asking for place in rule.places if place in places)
            yield Wanted(name, where, any(rule.protects for rule in asking))


def _asks(rule: CompiledRule, name: str, finds: frozenset[str]) -> bool:
    if rule.labels is not None and not rule.labels & finds:
        return False
    return rule.detectors is None or name in rule.detectors
