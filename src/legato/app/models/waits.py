"""Waiting limits: what each level says, made into what holds for a call."""

import msgspec

from legato.core.config import TimeoutChanges
from legato.core.config import Timeouts as Waits
from legato.providers.transport import Timeouts


def changed(waits: Waits, changes: TimeoutChanges) -> Waits:
    """Return the limits with those replaced that a narrower level sets."""
    said = msgspec.structs.asdict(changes)
    return msgspec.structs.replace(
        waits, **{name: value for name, value in said.items() if value is not None}
    )


def transport_timeouts(waits: Waits) -> Timeouts:
    """Return the part a transport keeps; the rest is kept by the gateway."""
    return Timeouts(connect_s=waits.connect_s, first_byte_s=waits.first_byte_s, idle_s=waits.idle_s)
