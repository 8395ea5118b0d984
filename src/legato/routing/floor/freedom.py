"""How large a share of requests may leave the baseline, by what has been proven.

If a share f of requests goes elsewhere and loses d of quality on average, the route loses f·d at
most. So a share is allowed once "d is at least margin/f" is refuted. Shares are tried in order,
the next after the one before, so the chance of ever allowing one too large is that of the first
wrong refutation: alpha. Where a loss above what the share allows shows, all freedom is taken back,
evidence begins anew, and the next time only a part of alpha is left: alpha/(k(k+1)) for the k-th
time, alpha in all.
"""

import math
from enum import StrEnum
from typing import Final, NamedTuple

import msgspec

from legato.routing.floor.evidence import (
    NOTHING_SEEN,
    Detector,
    Pairs,
    alarm_of,
    greatest_loss,
    log_capital,
    watched,
)

SHARES: Final = (0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0)
PAIRS_TO_FALSE_ALARM: Final = 2_000.0
"""At least so many on average, while the loss is what the share allows at most."""
_NARROWS_AT: Final = math.log(10)
"""How far the evidence may fall below what allowed a share before it is narrowed."""


class About(NamedTuple):
    """What evidence is about: one organisation's requests to a route that chooses by a policy."""

    org: str
    route: str
    policy: str


class Terms(msgspec.Struct, frozen=True):
    """The most that quality may fall, 0 to 1, and the chance that it ever does so unnoticed."""

    margin: float
    alpha: float


class Floor(msgspec.Struct, frozen=True):
    """What is kept of a route's floor. `taken_back` counts how often freedom was taken back."""

    share: float = 0.0
    pairs: Pairs = Pairs()
    detector: Detector = NOTHING_SEEN
    taken_back: int = 0
    observed: int = 0
    """Pairs of all times."""


class Reason(StrEnum):
    """Why a share changed."""

    PROVEN = "proven"
    WEAKENED = "weakened"
    WORSE = "worse"


class Moved(msgspec.Struct, frozen=True):
    """A change of the share, with what it rests on. `loss_at_most` is the bound of confidence."""

    before: float
    after: float
    reason: Reason
    pairs: Pairs
    mean_loss: float
    loss_at_most: float


def observed(floor: Floor, loss: int, terms: Terms) -> tuple[Floor, Moved | None]:
    """Return the floor after one more pair, and the change of its share if there is one.

    `loss` is 1 where the choice's answer was worse than the baseline's, 0 as good, -1 better.
    """
    pairs = floor.pairs.with_loss(loss)
    detector = floor.detector
    if floor.share:
        detector = watched(detector, loss, _limit(floor.share, terms))
        if alarm_of(detector) >= PAIRS_TO_FALSE_ALARM:
            after = Floor(taken_back=floor.taken_back + 1, observed=floor.observed + 1)
            return after, _moved(floor, (0.0, Reason.WORSE), pairs, terms)
    share = _allowed(floor, pairs, terms)
    if share != floor.share:
        detector = NOTHING_SEEN
    after = Floor(share, pairs, detector, floor.taken_back, floor.observed + 1)
    if share == floor.share:
        return after, None
    reason = Reason.PROVEN if share > floor.share else Reason.WEAKENED
    return after, _moved(floor, (share, reason), pairs, terms)


def alpha_now(floor: Floor, terms: Terms) -> float:
    """Return what part of alpha is used this time."""
    times = floor.taken_back + 1
    return terms.alpha / (times * (times + 1))


def _allowed(floor: Floor, pairs: Pairs, terms: Terms) -> float:
    wanted = -math.log(alpha_now(floor, terms))
    allowed = 0.0
    for share in SHARES:
        limit = _limit(share, terms)
        if limit < 1:
            enough = wanted - _NARROWS_AT if share <= floor.share else wanted
            if log_capital(pairs, limit) < enough:
                break
        allowed = share
    return allowed


def _limit(share: float, terms: Terms) -> float:
    return terms.margin / share


def _moved(before: Floor, change: tuple[float, Reason], pairs: Pairs, terms: Terms) -> Moved:
    share, reason = change
    bound = greatest_loss(pairs, alpha_now(before, terms))
    return Moved(before.share, share, reason, pairs, pairs.mean_loss, bound)
