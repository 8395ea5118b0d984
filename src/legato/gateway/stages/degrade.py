"""A lesser answer by policy, where none of a route's deployments gives one."""

from typing import TYPE_CHECKING, Final

from legato.core.errors import AllAttemptsFailed, LegatoError, ProviderTimeout
from legato.gateway.stages.route import can_serve

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from legato.gateway.context import Call, Reply, Sink
    from legato.gateway.directory import Deployment, Directory
    from legato.gateway.stages.cached import CacheStages

    Asking = Callable[[Call, Sink], Awaitable[Reply]]
BY_BUDGET: Final = "budget; "
"""What the lesser answer begins with that a budget asked for."""
_NO_ANSWER: Final = (AllAttemptsFailed, ProviderTimeout)
"""What may be made up for; a request that was refused for itself would be again."""


async def degraded(
    call: "Call",
    sink: "Sink",
    error: LegatoError,
    *,
    cache: "CacheStages | None",
    call_stage: "Asking",
) -> "Reply":
    """Return a lesser answer. Raises the error that there is none, or why the last one failed."""
    route = call.route
    if route is None or sink.began or not isinstance(error, _NO_ANSWER):
        raise error
    for lesser in route.degrade:
        if isinstance(lesser, str):
            if cache is not None and await cache.stale(call):
                return _given(call)
        elif can_serve(lesser, call):
            reply = await _asked(call, sink, lesser, call_stage)
            if reply is not None:
                return reply
    raise error


def step_down(call: "Call", directory: "Directory") -> None:
    """Have a call answered cheaper, where a budget that covers it says so before the wall.

    What its key may not call it isn't given: then it goes on as it came.
    """
    steps, route = call.budget_steps, call.route
    if steps is None or not steps.degrade_to or route is None:
        return
    if not call.caller.may_call(steps.degrade_to) or steps.degrade_to == route.alias:
        return
    lesser = directory.named(steps.degrade_to)
    if lesser is not None:
        call.route, call.degraded = lesser, f"{BY_BUDGET}{steps.budget}; {steps.degrade_to}"


def _given(call: "Call") -> "Reply":
    if call.reply is None:
        msg = "a stale answer was set"
        raise AssertionError(msg)
    return call.reply


async def _asked(
    call: "Call", sink: "Sink", lesser: "Deployment", call_stage: "Asking"
) -> "Reply | None":
    """Ask a lesser deployment, under a deadline of its own; None where it fails, too."""
    call.candidates, call.degraded = (lesser,), f"deployment; {lesser.name}"
    try:
        return await call_stage(call, sink)
    except _NO_ANSWER:
        if sink.began:
            raise
        call.degraded = ""
        return None
