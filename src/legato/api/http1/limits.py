"""Bounds of one connection."""

import msgspec

from legato.api.http1.assurances import assurances


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
    reader_window_s: float = 20.0
    reader_bytes_per_s_min: int = 1024
    """What a caller takes at least, over a window, of an answer that we hold for him."""
    trusted_proxies: tuple[str, ...] = ()
    """Networks of those who are believed whom they speak for."""
    connections_max: int = 16_384
    assured: bytes = assurances(by_tls=False)
    """Header lines of every answer."""
