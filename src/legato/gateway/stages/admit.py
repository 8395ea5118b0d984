"""Lets a call in within all limits of requests, and finds out what its budgets have come to."""

from contextlib import suppress
from typing import TYPE_CHECKING

from legato.core.errors import StorageUnavailable
from legato.governance.steps import steps_of

if TYPE_CHECKING:
    from legato.gateway.context import Call
    from legato.governance.limits import Limits


async def admitted(call: "Call", limits: "Limits") -> None:
    """Count a call in.

    Raises:
        RateLimited: naming the limit, its state and when it resets.
        StorageUnavailable: what was leased is spent and the store is away.
    """
    cover = limits.coverage.of(call.caller, call.user, call.view.model)
    call.slots_taken = await limits.admitted(cover)
    if cover.watched:
        with suppress(StorageUnavailable):  # what is known of them has to do
            await limits.know(cover.watched)
        call.budget_steps = steps_of(cover, limits.events, limits.now_ns())
