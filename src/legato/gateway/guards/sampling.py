"""Keeps samples of what rules find that only watch or flag, for people to judge.

Of each policy's rule and label as many stay as the operator says, drawn evenly from all: a find
gets a random point, and those with the lowest stay. A worker offers only what may be among them.
"""

import heapq
from collections.abc import Callable, Sequence
from random import Random
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from legato.core.config_guardrails import KeptSamples
from legato.core.guard_facts import shown_pointer
from legato.core.guard_samples import POINT_BITS, Sample
from legato.core.guarding import Finding

if TYPE_CHECKING:
    from legato.gateway.context import Call
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
        if not (verdict.noticed and self._size and call.caller.live):
            return
        hour = call.arrived_ns // _NS_PER_HOUR
        if hour != self._hour or len(self._lowest) > _GROUPS_MAX:
            self._hour, self._lowest = hour, {}
        for hit in verdict.noticed[:_OF_ONE_REQUEST_MAX]:
            point = self._draw(POINT_BITS)
            if self._is_drawn(call, hit, point):
                self._taker.offer(self._offer(call, hit, point, verdict))

    def _is_drawn(self, call: "Call", hit: "Hit", point: int) -> bool:
        group = (call.caller.org, hit.policy.setting.name, hit.rule.setting.name, hit.finding.label)
        lowest = self._lowest.setdefault(group, [])
        if len(lowest) < self._size:
            heapq.heappush(lowest, -point)
            return True
        return heapq.heappushpop(lowest, -point) != -point

    def _offer(self, call: "Call", hit: "Hit", point: int, verdict: "Verdict") -> SampleOffer:
        # what is captured of a call says what may be kept of its texts; nothing of a refused one
        keeps_text = call.captured_for_ns > 0 and verdict.blocking is None
        finding, rule, at_ns = hit.finding, hit.rule.setting, call.arrived_ns
        sample = Sample(
            id=self._new_id(),
            at_ns=at_ns,
            expires_at_ns=at_ns + self._keep_ns,
            text_until_ns=at_ns + call.captured_for_ns if keeps_text else 0,
            org=call.caller.org,
            request_id=call.request_id,
            end_user=call.user,
            policy=hit.policy.setting.name,
            version=hit.policy.version,
            rule=rule.name,
            label=finding.label,
            detector=finding.detector,
            action=rule.action.value,
            mode=hit.policy.setting.mode.value,
            place=hit.piece.place.value,
            pointer=shown_pointer(hit.piece.where),
            first=finding.start,
            last=finding.end,
            score=finding.score,
            at_least=rule.at_least,
            point=point,
        )
        return SampleOffer(
            sample,
            hit.piece.text if keeps_text else "",
            _masked(verdict, hit.piece.where) if keeps_text else (),
            labelled=call.captured_redacted,
        )


def _masked(verdict: "Verdict", where: str) -> tuple[Finding, ...]:
    found: Sequence[Finding] = [
        finding for one in verdict.masked if one.piece.where == where for finding in one.findings
    ]
    return tuple(found)
