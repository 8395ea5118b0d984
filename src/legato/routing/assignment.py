"""Which arm of a rollout serves a caller: by a hash, so it is the same each time and everywhere.

A unit (a user's pseudonym, else a request's id) hashes to a point of 10,000; arms own slices of
them. A change of weights takes points only from arms that shrink and gives them only to arms that
grow, so whoever is in a growing arm stays in it. Salt, unit and slices are all that is needed to
assign again what the ledger says was assigned.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Final, Generic, TypeVar

import msgspec

from legato.core.errors import InvalidRequest

WHOLE_BP: Final = 10_000
"""All points: weights are in basis points, hundredths of a percent."""
ARMS_MAX: Final = 32
_HASH_BITS: Final = 64


class Slice(msgspec.Struct, frozen=True):
    """Points from `start` up to but without `end`, and whose they are."""

    start: int
    end: int
    arm: str


Slices = tuple[Slice, ...]


def unit_of(user: str | None, request_id: str) -> str:
    """Return who is assigned: the user where one is named, so that they stay in their arm."""
    return user or request_id


def slices_of(weights: Mapping[str, int]) -> Slices:
    """Lay out arms in the order given. Weights are basis points that sum to 10,000.

    Raises:
        InvalidRequest: they don't, or one is negative, or there are too many.
    """
    _check(weights)
    slices = []
    start = 0
    for arm, weight in weights.items():
        if weight:
            slices.append(Slice(start, start + weight, arm))
        start += weight
    return tuple(slices)


def resliced(slices: Slices, weights: Mapping[str, int]) -> Slices:
    """Return the slices for new weights, with as few points as possible in another arm.

    Raises:
        InvalidRequest: as `slices_of`.
    """
    _check(weights)
    left = dict(weights)
    kept: list[Slice] = []
    free: list[tuple[int, int]] = []
    for part in slices:
        stays = min(part.end - part.start, left.get(part.arm, 0))
        if stays:
            left[part.arm] -= stays
            kept.append(Slice(part.start, part.start + stays, part.arm))
        if part.start + stays < part.end:
            free.append((part.start + stays, part.end))
    return _joined(kept + _given(free, left))


Arm = TypeVar("Arm")


class Split(Generic[Arm]):
    """What serves each unit: an assignment, and what its arms are."""

    def __init__(self, assignment: "Assignment", arms: Mapping[str, Arm]) -> None:
        self._assignment = assignment
        self._arms = arms

    @property
    def arms(self) -> tuple[Arm, ...]:
        """What its arms are."""
        return tuple(self._arms.values())

    def of(self, unit: str) -> Arm:
        """Return what serves a user, or a request of nobody's."""
        return self._arms[self._assignment.arm(unit)]


class Assignment:
    """The slices of one rollout, ready to be asked on each request."""

    def __init__(self, salt: str, slices: Slices) -> None:
        """`salt` is the rollout's own (≤ 64 bytes): rollouts divide their callers independently.

        Raises:
            InvalidRequest: the salt is empty or too long.
        """
        key = salt.encode()
        if not 0 < len(key) <= blake2b.MAX_KEY_SIZE:
            raise InvalidRequest(
                f"salt: give 1 to {blake2b.MAX_KEY_SIZE} bytes, such as the rollout's id",
                param="salt",
            )
        self._keyed = blake2b(key=key, digest_size=_HASH_BITS // 8)
        self._starts = [part.start for part in slices]
        self._arms = [part.arm for part in slices]

    def point(self, unit: str) -> int:
        """Return the unit's place, 0 to 9,999. It never changes while the salt stays.

        Keyed BLAKE2b (RFC 7693) of 8 bytes, read big-endian, as a share of 2**64.
        """
        keyed = self._keyed.copy()
        keyed.update(unit.encode())
        return int.from_bytes(keyed.digest(), "big") * WHOLE_BP >> _HASH_BITS

    def arm(self, unit: str) -> str:
        """Return the arm that serves the unit."""
        return self._arms[bisect_right(self._starts, self.point(unit)) - 1]


def _check(weights: Mapping[str, int]) -> None:
    if len(weights) > ARMS_MAX:
        raise InvalidRequest(f"weights: at most {ARMS_MAX} arms", param="weights")
    for arm, weight in weights.items():
        if weight < 0:
            raise InvalidRequest(f"weights[{arm}]: {weight} is negative", param="weights")
    total = sum(weights.values())
    if total != WHOLE_BP:
        raise InvalidRequest(
            f"weights: they sum to {total} basis points, not {WHOLE_BP}; "
            "give the champion what the others leave",
            param="weights",
        )


def _given(free: Sequence[tuple[int, int]], wanted: Mapping[str, int]) -> list[Slice]:
    """Hand free points to the arms that want more, in the order of the arms."""
    given = []
    waiting = [(arm, weight) for arm, weight in wanted.items() if weight]
    waiting.reverse()
    for start, end in free:
        at = start
        while at < end:
            arm, weight = waiting.pop()
            taken = min(weight, end - at)
            given.append(Slice(at, at + taken, arm))
            at += taken
            if taken < weight:
                waiting.append((arm, weight - taken))
    return given


def _joined(slices: Sequence[Slice]) -> Slices:
    joined: list[Slice] = []
    for part in sorted(slices, key=lambda each: each.start):
        if joined and joined[-1].arm == part.arm:
            joined[-1] = Slice(joined[-1].start, part.end, part.arm)
        else:
            joined.append(part)
    return tuple(joined)
