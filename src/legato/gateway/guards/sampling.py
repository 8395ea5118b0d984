"""Keeps samples of what rules find that only watch or flag, for people to judge.

Of each policy's rule and label as many stay as the operator says, drawn evenly from all: a find
gets a random point, and those with the lowest stay. A worker offers only what may be among them.
"""

import heapq
from collections.abc import Callable, Sequence
from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

import msgspec

from legato.core.config_guardrails import KeptSamples
from legato.core.guard_facts import shown_pointer
from legato.core.guard_samples import POINT_BITS, Sample
from legato.core.guarding import ARGUMENTS, NAME, Finding, Place

if TYPE_CHECKING:
    from legato.gateway.context import Call
    from legato.guardrails.outputs.findings import Found
    from legato.guardrails.policy.compiling import CompiledPolicy, CompiledRule
    from legato.guardrails.policy.deciding import Hit, Verdict

_NS_PER_DAY: Final = 86_400_000_000_000
_NS_PER_HOUR: Final = 3_600_000_000_000
_GROUPS_MAX: Final = 1_000
_OF_ONE_REQUEST_MAX: Final = 20
Group = tuple[str, str, str, str]


class SampleOffer(msgspec.Struct, frozen=True, gc=False):
    """A find on its way to be kept. `text` is the whole text it stands in, "" where none is."""

    sample: Sample
    text: str
    masked: tuple[Finding, ...]
    """What an enforced rule replaces in that text."""
    labelled: bool
    """Whether all that a scan finds is replaced, too."""


class SampleTaker(Protocol):
    """Takes samples, off the event loop."""

    def offer(self, offer: SampleOffer) -> None:
        """Take it, or drop it; never waits."""
        ...


class Sampler:
    """Chooses samples in one worker."""

    def __init__(
        self,
        terms: KeptSamples,
        taker: SampleTaker,
        new_id: Callable[[], str],
        draw: Callable[[int], int] | None = None,
    ) -> None:
        """`draw` returns so many random bits: they must be even, not unguessable."""
        self._size = terms.per_rule
        self._keep_ns = terms.retention_days * _NS_PER_DAY
        self._taker = taker
        self._new_id = new_id
        self._draw = draw or Random().getrandbits  # noqa: S311
        self._lowest: dict[Group, list[int]] = {}  # points of this hour, negative, as a heap
        self._hour = 0

    def take(self, call: "Call", verdict: "Verdict") -> None:
        """Offer what of a verdict is to be judged and is drawn."""
        if not (verdict.noticed and self._begins(call)):
            return
        # what is captured of a call says what may be kept of its texts; nothing of a refused one
        keeps_text = call.captured_for_ns > 0 and verdict.blocking is None
        for hit in verdict.noticed[:_OF_ONE_REQUEST_MAX]:
            place = _Place(hit.piece.place.value, shown_pointer(hit.piece.where))
            sample = self._drawn(call, (hit.policy, hit.rule), hit.finding, place)
            if sample is not None:
                self._taker.offer(_offer(call, sample, hit, verdict, keeps_text=keeps_text))

    def take_answer(self, call: "Call", found: "Found", *, passed: bool) -> None:
        """Offer what was noticed in an answer; no text of one that was refused.

        Nor of a text of which something was withheld: what was found beside it may show it.
        """
        if not (found.noticed and self._begins(call)):
            return
        for one in found.noticed:
            name = one.where.partition("/")[0]
            kind = Place.TOOL_CALL if name in {ARGUMENTS, NAME} else Place.OUTPUT
            place = _Place(kind.value, one.where)
            sample = self._drawn(call, one.origin, one.finding, place)
            if sample is None:
                continue
            text = "".join(one.parts)
            if call.captured_for_ns > 0 and passed and text and one.where not in found.withheld:
                until_ns = call.arrived_ns + call.captured_for_ns
                sample = msgspec.structs.replace(sample, text_until_ns=until_ns)
            else:
                text = ""
            self._taker.offer(SampleOffer(sample, text, (), labelled=call.captured_redacted))

    def _begins(self, call: "Call") -> bool:
        """Whether samples are taken of a call."""
        hour = call.arrived_ns // _NS_PER_HOUR
        if hour != self._hour or len(self._lowest) > _GROUPS_MAX:
            self._hour, self._lowest = hour, {}
        return bool(self._size) and call.caller.live

    def _is_drawn(self, group: Group, point: int) -> bool:
        lowest = self._lowest.setdefault(group, [])
        if len(lowest) < self._size:
            heapq.heappush(lowest, -point)
            return True
        return heapq.heappushpop(lowest, -point) != -point

    def _drawn(
        self,
        call: "Call",
        origin: "tuple[CompiledPolicy, CompiledRule]",
        finding: Finding,
        place: "_Place",
    ) -> Sample | None:
        """Return a find as a sample without text; None where it isn't drawn."""
        policy, rule = origin[0], origin[1].setting
        point = self._draw(POINT_BITS)
        group = (call.caller.org, policy.setting.name, rule.name, finding.label)
        if not self._is_drawn(group, point):
            return None
        return Sample(
            id=self._new_id(),
            at_ns=call.arrived_ns,
            expires_at_ns=call.arrived_ns + self._keep_ns,
            text_until_ns=0,
            org=call.caller.org,
            request_id=call.request_id,
            end_user=call.user,
            policy=policy.setting.name,
            version=policy.version,
            rule=rule.name,
            label=finding.label,
            detector=finding.detector,
            action=rule.action.value,
            mode=policy.setting.mode.value,
            place=place.kind,
            pointer=place.pointer,
            first=finding.start,
            last=finding.end,
            score=finding.score,
            at_least=rule.at_least,
            point=point,
        )


class _Place(NamedTuple):
    """Where a find is."""

    kind: str
    pointer: str


def _offer(
    call: "Call", sample: Sample, hit: "Hit", verdict: "Verdict", *, keeps_text: bool
) -> SampleOffer:
    if not keeps_text:
        return SampleOffer(sample, "", (), labelled=call.captured_redacted)
    until_ns = call.arrived_ns + call.captured_for_ns
    return SampleOffer(
        msgspec.structs.replace(sample, text_until_ns=until_ns),
        hit.piece.text,
        _masked(verdict, hit.piece.where),
        labelled=call.captured_redacted,
    )


def _masked(verdict: "Verdict", where: str) -> tuple[Finding, ...]:
    found: Sequence[Finding] = [
        finding for one in verdict.masked if one.piece.where == where for finding in one.findings
    ]
    return tuple(found)
