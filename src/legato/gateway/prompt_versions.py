"""A version of a prompt as the gateway needs it."""

from collections.abc import Mapping
from typing import Any, Protocol

from legato.core.chat import ChatRequest
from legato.core.decisions import SliceFacts
from legato.core.principal import BudgetLimit


class Prompt(Protocol):
    """One version of a prompt, compiled."""

    @property
    def shown(self) -> str:
        """How answers and the ledger name it: `prompt/greeting@3fa9c1d2e4b5`."""
        ...

    @property
    def arm(self) -> str:
        """Of the rollout that chose it, "" where none did."""
        ...

    @property
    def slices(self) -> tuple[SliceFacts, ...]:
        """How that rollout divided its callers, empty where none did."""
        ...

    @property
    def route(self) -> str:
        """The alias or deployment it is sent to."""
        ...

    @property
    def shadow(self) -> "Shadow | None":
        """What a copy of the call is sent to."""
        ...

    def render(self, given: Mapping[str, Any]) -> ChatRequest:
        """Return it with these variables. Raises InvalidRequest naming one."""
        ...


class Shadow(Protocol):
    """A version that answers copies of calls, for nobody."""

    @property
    def prompt(self) -> Prompt:
        """The version."""
        ...

    @property
    def budget(self) -> BudgetLimit:
        """Who pays for it."""
        ...
