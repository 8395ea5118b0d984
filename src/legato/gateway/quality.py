"""What a route that chooses by quality knows of its deployments."""

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from legato.core.config_routing import Quality


class Estimate(msgspec.Struct, frozen=True):
    """The probability that an answer is good enough, and how far that may be off."""

    mean: float
    deviation: float


class Estimating(Protocol):
    """Expects something of deployments' answers."""

    def __call__(self, text: str, names: Sequence[str]) -> dict[str, Estimate]:
        """Return what is expected of each for a text; whom nothing is known of is left out."""
        ...


def _nothing_proven(_org: str) -> float:
    return 0.0


class QualityChoice:
    """How one route chooses by quality."""

    def __init__(
        self,
        terms: Quality,
        policy: str = "",
        estimating: Estimating | None = None,
        router: str = "",
    ) -> None:
        """`policy` tells apart what evidence is about: the terms and who is chosen among.

        `router` is the version of what is estimating.

        Without `estimating`, what the terms expect of a deployment is expected of each call.
        """
        self.terms = terms
        self._stated = {
            name: Estimate(one.mean, one.deviation) for name, one in terms.expected.items()
        }
        self._estimating = estimating
        self.policy = policy
        self.router = router
        self.freedom: Callable[[str], float] = _nothing_proven
        """The share of an organisation's requests that may leave the baseline now, where the terms
        guarantee it."""

    def estimates(self, text: str, names: Sequence[str]) -> dict[str, Estimate]:
        """Return what is expected of deployments: by the text asked, else as stated."""
        if self._estimating is None:
            return self._stated
        return {**self._stated, **self._estimating(text, names)}
