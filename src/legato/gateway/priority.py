"""How urgent a call is: as its caller says, and at most what its key may say."""

from typing import TYPE_CHECKING, Final

from legato.core.errors import InvalidRequest
from legato.routing.load.concurrency import Priority

if TYPE_CHECKING:
    from legato.gateway.context import Call

HEADER: Final = b"x-legato-priority"
TAG: Final = "priority_max"
"""The tag of a key that bounds what its callers may ask for."""
_NAMES: Final = {one.name.lower(): one for one in Priority if one is not Priority.REFUSED}


def priority_of(call: "Call") -> Priority:
    """Return a call's priority, looked at once. Raises InvalidRequest for one there isn't."""
    if call.priority is None:
        call.priority = _looked_at(call)
    if call.priority is Priority.REFUSED:
        msg = "x-legato-priority: one of low, normal, high; without the header it is normal"
        raise InvalidRequest(msg, param="x-legato-priority")
    return call.priority


def _looked_at(call: "Call") -> Priority:
    said = call.source.header(HEADER)
    wanted = Priority.NORMAL if said is None else _NAMES.get(said.decode("ascii", "replace"))
    if wanted is None:
        return Priority.REFUSED
    bound = call.caller.tags.get(TAG)
    # a bound that nobody can read is meant as one: it isn't none
    most = Priority.HIGH if bound is None else _NAMES.get(bound.strip().lower(), Priority.LOW)
    return wanted if wanted.value <= most.value else most


def is_low(call: "Call") -> bool:
    """Whether a call is given up rather than kept waiting."""
    return priority_of(call) is Priority.LOW
