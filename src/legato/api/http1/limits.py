"""Bounds of one connection."""

import msgspec


class ConnectionLimits(msgspec.Struct, frozen=True):
    """What a caller may send, and how long a connection may idle."""

    body_bytes_max: int = 32 * 1024 * 1024
    head_bytes_max: int = 64 * 1024
    headers_max: int = 100
    unread_bytes_max: int = 256 * 1024
    """Body bytes taken in before somebody authenticated asks for them."""
    keep_alive_s: float = 75.0
    head_s: float = 30.0
    """How long a head may take to arrive, and the longest silence within a body."""
    body_bytes_per_s_min: int = 512
    """On average, and after the first `head_s`: a body that comes by drips is cut off."""
    linger_s: float = 10.0
    """How long an unread body may go on arriving after its answer: closing at once would reset
    the connection, and the answer could be lost with it."""
    linger_bytes_max: int = 64 * 1024 * 1024
    write_stall_s: float = 60.0
    """The longest time in which a caller takes nothing of an answer that waits for him."""
    connections_max: int = 16_384
