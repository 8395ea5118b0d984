"""What a route that chooses by quality knows of its deployments."""

from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Protocol

import msgspec

from legato.core.config_routing import Quality


class Estimate(msgspec.Struct, frozen=True):
    """The probability that an answer is good enough, and how far that may be off."""

    mean: float
    deviation: float


class Estimating(Protocol):
    """Expects something of deployments' answers."""

    @property
    def version(self) -> str:
        """What decisions name it by."""
        ...

    @property
    def ahead(self) -> Callable[[str], None] | None:
        """Does what takes milliseconds of reading a text, so that asking of it takes none.

        It may run in a thread. None where asking never takes long.
        """
        ...

    def __call__(self, text: str, names: Sequence[str]) -> dict[str, Estimate]:
        """Return what is expected of each for a text; whom nothing is known of is left out."""
        ...


OfOrganisation = Callable[[str], Estimating | None]
"""Returns what an organisation's requests are estimated by now, None for nothing but the terms."""


def _nothing_proven(_org: str) -> float:
    return 0.0


class QualityChoice:
    """How one route chooses by quality."""

    def __init__(
        self,
        terms: Quality,
        policy: str = "",
        estimating: OfOrganisation | None = None,
        *,
        moves: bool = False,
    ) -> None:
        """`policy` tells apart what evidence is about: the terms and who is chosen among.

        Without `estimating`, what the terms expect of a deployment is expected of each call. It
        `moves` where the policy doesn't tell its version.
        """
        self.terms = terms
        self._stated = {
            name: Estimate(one.mean, one.deviation) for name, one in terms.expected.items()
        }
        self._estimating = estimating
        self._policy = policy
        self._moves = moves
        self.freedom: Callable[[str], float] = _nothing_proven
        """The share of an organisation's requests that may leave the baseline now, where the terms
        guarantee it."""

    def policy_of(self, org: str) -> str:
        """Return which policy an organisation's evidence is about now."""
        router = self._of(org) if self._moves else None
        return self._policy if router is None else policy_with(self._policy, router.version)

    def ahead(self, org: str) -> Callable[[str], None] | None:
        """Return what should be done with a text before; see `Estimating`."""
        router = self._of(org)
        return None if router is None else router.ahead

    def estimates(
        self, org: str, text: str, names: Sequence[str]
    ) -> tuple[dict[str, Estimate], str]:
        """Return what is expected of deployments: by the text asked, else as stated.

        With it comes the version of the router that was asked, "" for none.
        """
        router = self._of(org)
        if router is None:
            return self._stated, ""
        return {**self._stated, **router(text, names)}, router.version

    def _of(self, org: str) -> Estimating | None:
        return None if self._estimating is None else self._estimating(org)


def policy_with(policy: str, router: str) -> str:
    """Return 16 hex digits over a policy and the version of the router that it asks."""
    return blake2b(f"{policy}\x00{router}".encode(), digest_size=8).hexdigest()
