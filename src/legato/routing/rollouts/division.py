"""How callers are divided among a champion and its candidates, now and after each change."""

from collections.abc import Sequence
from typing import Self

import msgspec

from legato.core.errors import Conflict, InvalidRequest, NotFound
from legato.core.registry import CANDIDATE, CHAMPION
from legato.routing.assignment import WHOLE_BP, Slices, resliced, slices_of
from legato.routing.rollouts.plan import CANDIDATES_MAX, Mode, Plan


class Arm(msgspec.Struct, frozen=True):
    """A candidate: the name of its arm, and the digest of its version."""

    name: str
    version: str


class Division(msgspec.Struct, frozen=True):
    """Who has what: `out` are candidates taken out, `chosen` is the one proposed or promoted."""

    candidates: tuple[Arm, ...]
    slices: Slices
    out: tuple[str, ...] = ()
    chosen: str = ""

    @classmethod
    def begun(cls, plan: Plan, candidates: Sequence[Arm]) -> Self:
        """Divide for the first step. Raises InvalidRequest."""
        arms = tuple(candidates)
        return cls(arms, slices_of(_weights(plan, arms, (), plan.steps[0].share_bp)))

    def divided(self, plan: Plan, share_bp: int, out: tuple[str, ...]) -> Slices:
        """Return the slices for a share of all candidates, some of them taken out.

        Callers of an arm that stays keep it; those of one that is out get the champion again.
        """
        return resliced(self.slices, _weights(plan, self.candidates, out, share_bp))

    @property
    def remaining(self) -> tuple[str, ...]:
        """The candidates that are not out."""
        return tuple(arm.name for arm in self.candidates if arm.name not in self.out)

    def share_bp(self, arm: str) -> int:
        """Return an arm's share of callers, in basis points."""
        return sum(part.end - part.start for part in self.slices if part.arm == arm)

    def arm(self, name: str) -> Arm:
        """Return a candidate that may be promoted: the one named, else the one it must be.

        Raises:
            InvalidRequest: several could be meant.
            NotFound: there is no such candidate.
            Conflict: it was taken out for harm.
        """
        wanted = name or self.chosen
        if not wanted:
            if len(self.remaining) != 1:
                raise InvalidRequest(f"arm: name one of {', '.join(self.remaining)}", param="arm")
            (wanted,) = self.remaining
        found = next((arm for arm in self.candidates if arm.name == wanted), None)
        if found is None:
            known = ", ".join(arm.name for arm in self.candidates)
            raise NotFound(f"arm: there is no candidate {wanted[:80]!r}; there are {known}")
        if wanted in self.out:
            raise Conflict(f"arm: {wanted} was taken out, as it does harm", param="arm")
        return found


def named_arms(versions: Sequence[tuple[int, str]]) -> tuple[Arm, ...]:
    """Name the arms of candidates, given as (number, digest): by number where there are several.

    Raises:
        InvalidRequest: there are none, too many, or one stands twice.
    """
    if not 1 <= len(versions) <= CANDIDATES_MAX:
        raise InvalidRequest(f"candidates: name 1 to {CANDIDATES_MAX}", param="candidates")
    if len(versions) == 1:
        return (Arm(CANDIDATE, versions[0][1]),)
    if len({digest for _, digest in versions}) < len(versions):
        raise InvalidRequest("candidates: one version stands there twice", param="candidates")
    return tuple(Arm(f"v{number}", digest) for number, digest in versions)


def planned_for(plan: Plan, candidates: int) -> Plan:
    """Return the plan for so many candidates. Raises InvalidRequest."""
    if plan.mode in {Mode.CANARY, Mode.SHADOW} and candidates > 1:
        raise InvalidRequest(
            f"mode: a {plan.mode} has one candidate; for several say mode: experiment", param="mode"
        )
    if plan.weights and len(plan.weights) != candidates:
        raise InvalidRequest(
            f"weights: give one for each of the {candidates} candidates", param="weights"
        )
    planned = msgspec.structs.replace(plan, candidates=candidates)
    shares = _split(plan.steps[0].share_bp, plan.weights or (1,) * candidates)
    if not min(shares):
        raise InvalidRequest(
            f"steps[0].share_bp: {plan.steps[0].share_bp} is too little to be divided among "
            f"{candidates} candidates",
            param="steps",
        )
    return planned


def _weights(
    plan: Plan, candidates: Sequence[Arm], out: Sequence[str], share_bp: int
) -> dict[str, int]:
    shares = _split(share_bp, plan.weights or (1,) * len(candidates))
    weights = {
        arm.name: 0 if arm.name in out else share
        for arm, share in zip(candidates, shares, strict=True)
    }
    return {**weights, CHAMPION: WHOLE_BP - sum(weights.values())}


def _split(share_bp: int, weights: Sequence[int]) -> list[int]:
    """Divide a share by weights; the first ones get what is left over."""
    whole = sum(weights)
    shares = [share_bp * weight // whole for weight in weights]
    for number in range(share_bp - sum(shares)):
        shares[number] += 1
    return shares
