"""What the control API works with to decide recorded requests again."""

from collections.abc import Sequence
from typing import Any, Protocol


class DecidedOnce(Protocol):
    """What came of deciding one again."""

    @property
    def verdict(self) -> str:
        """Reproduced, different or unreplayable."""
        ...

    @property
    def causes(self) -> tuple[str, ...]:
        """What differs, or why it can't be decided again."""
        ...


class Deciding(Protocol):
    """Decides recorded requests again; blocking."""

    def request(self, trace: dict[str, Any], entries: Sequence[dict[str, Any]]) -> DecidedOnce:
        """Decide one by its trace and its entries."""
        ...


class OpenDeciding(Protocol):
    """Opens what decides again."""

    def __call__(self, *, access_now: bool) -> Deciding:
        """Return it; `access_now`: by the rules of access in force now, instead of those then."""
        ...
