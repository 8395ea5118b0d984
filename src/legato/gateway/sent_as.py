"""What caches keep apart where a route has rules: by what of its caller a call is sent."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from legato.gateway.context import Call
    from legato.gateway.directory import Route


def sent_as(call: "Call", route: "Route") -> bytes:
    """Return by what of its caller a call is sent, b"" for nothing."""
    if route.rules is None:
        return b""
    from legato.gateway.request_features import (  # noqa: PLC0415 - where a route has rules only
        of_caller,
    )

    return of_caller(call, route.rules)
