"""A finding about this machine, as `legato doctor` shows it."""

from enum import StrEnum

import msgspec


class State(StrEnum):
    """`warning`: Legato works, but not as well or not all of it."""

    GOOD = "good"
    WARNING = "warning"
    FAILED = "failed"


class Check(msgspec.Struct, frozen=True):
    """One finding, and its remedy when it is not good."""

    name: str
    state: State
    found: str
    remedy: str = ""

    def __post_init__(self) -> None:
        """Drop the remedy of what needs none."""
        if self.state is State.GOOD:
            msgspec.structs.force_setattr(self, "remedy", "")
