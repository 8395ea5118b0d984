"""How bytes reach a provider: one seam, two implementations, errors that say what was sent."""

from legato.providers.transport.base import (
    BadResponse,
    ConnectFailed,
    ConnectionLost,
    ConnectTimeout,
    FirstByteTimeout,
    IdleTimeout,
    Limits,
    NotSent,
    PoolExhausted,
    Response,
    ResponseTooLarge,
    Timeouts,
    Transport,
    TransportClosed,
    TransportError,
    unsent,
)
from legato.providers.transport.factory import TransportKind, open_transport

__all__ = [
    "BadResponse",
    "ConnectFailed",
    "ConnectTimeout",
    "ConnectionLost",
    "FirstByteTimeout",
    "IdleTimeout",
    "Limits",
    "NotSent",
    "PoolExhausted",
    "Response",
    "ResponseTooLarge",
    "Timeouts",
    "Transport",
    "TransportClosed",
    "TransportError",
    "TransportKind",
    "open_transport",
    "unsent",
]
