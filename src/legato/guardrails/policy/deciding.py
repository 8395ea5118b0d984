"""What policies say of what was found in a request: which rules fire, and what is done.

Within a policy the first rule that finds something decides about it; a rule with the action
`allow` makes an exception of all that lies where it found something. Of several policies the
strictest action wins. A policy in shadow fires, and nothing is done.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import msgspec

from legato.core.guard_facts import SPANS_MAX, Fired, Span, shown_pointer
from legato.core.guarding import Action, Finding, Mode, Piece
from legato.guardrails.policy.compiling import CompiledPolicy, CompiledRule

_STRICTNESS: Final = {action: index for index, action in enumerate(Action)}
"""Actions are written mildest first."""
NOTHING: Final[Mapping[Any, Sequence[Finding]]] = MappingProxyType({})


Evidence = Mapping[tuple[CompiledRule, str], Sequence[Finding]]
"""What had to be asked elsewhere, by rule and the pointer of a text: topics, judges."""


class Masked(msgspec.Struct, frozen=True):
    """What is to be replaced in one text."""

    piece: Piece
    findings: tuple[Finding, ...]
    """In order; nothing overlaps."""
    surrogates: frozenset[str] = frozenset()
    """Labels that are replaced by text of the same form."""


class Hit(msgspec.Struct, frozen=True, eq=False):
    """Something that one rule found."""

    policy: CompiledPolicy
    rule: CompiledRule
    piece: Piece
    finding: Finding

    @property
    def enforced(self) -> bool:
        """Whether something is done about it."""
        return self.policy.setting.mode is Mode.ENFORCE


class Verdict(msgspec.Struct, frozen=True, eq=False):
    """What is to be done with a request."""

    action: Action | None
    """The strictest; None where nothing is done."""
    fired: tuple[Fired, ...]
    blocking: Hit | None = None
    deployments: tuple[str, ...] = ()
    """The only ones that may answer, as the rules name them."""
    masked: tuple[Masked, ...] = ()
    noticed: tuple[Hit, ...] = ()
    """What was found by rules that only watch, or flag."""
    kept: tuple[Hit, ...] = ()
    """What policies redact that keep the values for later."""
    of_names: bool = False
    """Something was found in names and ids."""


def verdict_of(
    policies: Sequence[CompiledPolicy],
    found: Sequence[tuple[Piece, Sequence[Finding]]],
    evidence: Evidence = NOTHING,
) -> Verdict:
    """Decide, by what detectors found in each text of a request, and what else was asked."""
    hits = [
        hit
        for policy in policies
        for piece, some in found
        for hit in hits_of(policy, piece, some, evidence)
    ]
    acting = [hit for hit in hits if hit.enforced]
    strictest = max(
        (hit.rule.setting.action for hit in acting), key=_STRICTNESS.__getitem__, default=None
    )
    blocking = next((hit for hit in acting if _stops(hit)), None)
    if blocking is not None:
        strictest = Action.BLOCK
    named = [
        hit.rule.setting.deployment for hit in acting if hit.rule.setting.action is Action.ROUTE
    ]
    return Verdict(
        strictest,
        tuple(fired_by(hits)),
        blocking,
        tuple(dict.fromkeys(name for name in named if name is not None)),
        tuple(_masked(hit for hit in acting if hit.rule.setting.action is Action.REDACT)),
        tuple(hit for hit in hits if _only_noticed(hit)),
        tuple(hit for hit in acting if _is_kept(hit)),
        any(hit.piece.token for hit in hits),
    )


def _only_noticed(hit: Hit) -> bool:
    action = hit.rule.setting.action
    return action is Action.FLAG or (not hit.enforced and action is not Action.ALLOW)


def _is_kept(hit: Hit) -> bool:
    return hit.rule.setting.action is Action.REDACT and (
        hit.policy.setting.redaction.keep is not None
    )


def _stops(hit: Hit) -> bool:
    """Whether a request may not go on: also where it can't without what was found."""
    action = hit.rule.setting.action
    return action is Action.BLOCK or (action is Action.REDACT and hit.piece.fixed)


def fired_by(hits: Iterable[Hit]) -> Iterator[Fired]:
    """Yield what fired, by rule, label and kind of place, in the order of the policies."""
    by_rule: dict[tuple[str, str, str, str], list[Hit]] = {}
    for hit in hits:
        key = (hit.policy.version, hit.rule.setting.name, hit.finding.label, hit.piece.place)
        by_rule.setdefault(key, []).append(hit)
    for (version, rule, label, place), some in by_rule.items():
        first = some[0]
        spans = tuple(
            Span(
                shown_pointer(one.piece.where),
                max(0, one.finding.start - one.piece.lead),
                one.finding.end - one.piece.lead,
            )
            for one in some[:SPANS_MAX]
        )
        action, mode = first.rule.setting.action.value, first.policy.setting.mode.value
        score = round(max(one.finding.score for one in some), 3)
        yield Fired(version, rule, label, action, mode, place, len(some), spans, score)


def hits_of(
    policy: CompiledPolicy,
    piece: Piece,
    findings: Sequence[Finding],
    evidence: Evidence = NOTHING,
) -> Iterator[Hit]:
    """Yield what a policy's rules find in one text, less what they make an exception of."""
    excepted = _Exceptions()
    decided: set[tuple[str, int, int]] = set()
    for rule in policy.rules:
        if piece.place not in rule.places:
            continue
        own = [] if rule.custom is None else rule.custom.find(piece.text)
        told = evidence.get((rule, piece.where), ())
        fitting = () if rule.setting.judge is not None else filter(rule.fits, findings)
        for one in [*fitting, *own, *told]:
            key = (one.label, one.start, one.end)
            if key in decided or one.end <= piece.lead or excepted.hold(one):
                continue
            decided.add(key)
            if rule.setting.action is Action.ALLOW:
                excepted.add(one)
            yield Hit(policy, rule, piece, one)


class _Exceptions:
    """Where `allow` found something. None lies within another, so both lists ascend."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []

    def hold(self, one: Finding) -> bool:
        """Whether a finding lies within one of them."""
        at = bisect_right(self._starts, one.start) - 1
        return at >= 0 and self._ends[at] >= one.end

    def add(self, one: Finding) -> None:
        """Add one that none of them holds; those that it holds go."""
        first = bisect_left(self._starts, one.start)
        last = bisect_right(self._ends, one.end)
        self._starts[first:last] = [one.start]
        self._ends[first:last] = [one.end]


def _masked(hits: Iterable[Hit]) -> Iterator[Masked]:
    by_piece: dict[str, list[Hit]] = {}
    for hit in hits:
        by_piece.setdefault(hit.piece.where, []).append(hit)
    for some in by_piece.values():
        surrogates = {hit.finding.label for hit in some if hit.rule.setting.stand_in == "surrogate"}
        findings = tuple(merged(hit.finding for hit in some))
        yield Masked(some[0].piece, findings, frozenset(surrogates))


def merged(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings in order with what overlaps put together, named by the longest of it."""
    result: list[Finding] = []
    longest = 0
    for one in sorted(findings, key=lambda each: (each.start, -each.end)):
        if result and one.start < result[-1].end:
            last = result[-1]
            label = one.label if one.end - one.start > longest else last.label
            longest = max(longest, one.end - one.start)
            result[-1] = msgspec.structs.replace(
                last, end=max(last.end, one.end), label=label, score=max(last.score, one.score)
            )
        else:
            result.append(one)
            longest = one.end - one.start
    return result
