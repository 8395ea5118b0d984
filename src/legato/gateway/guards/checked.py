"""What the pipeline asks of whatever checks answers: loaded where there is a policy only."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, Protocol

from legato.core.wire import Operation

if TYPE_CHECKING:
    from legato.gateway.context import Call, Reply, Sink

Asking = Callable[["Call", "Sink"], Awaitable["Reply"]]
"""Makes attempts until one answers, as the call stage does."""
CHECKED: Final = frozenset({Operation.CHAT, Operation.COMPLETIONS})


class AnswerGuard(Protocol):
    """What the pipeline asks about a call's answer."""

    def passes(self, call: "Call", /) -> bool:
        """Whether there is no policy at all."""
        ...

    def prepare(self, call: "Call") -> None:
        """Find out what is asked of a call's answer; before caches are looked up."""
        ...

    async def answered(self, call: "Call", sink: "Sink", ask: Asking) -> "Reply":
        """Return an answer that may go out, asking again where that is allowed."""
        ...
