"""What a host's name stands for, judged before anything is connected to."""

import asyncio
import socket

from legato.core.egress import Egress
from legato.providers.transport.base import ConnectFailed
from legato.providers.transport.endpoint import Endpoint


def check_host(endpoint: Endpoint, egress: Egress) -> None:
    """Refuse a host that may not even be named. Raises ValueError."""
    refusal = egress.refusal_of_host(endpoint.host)
    if refusal:
        raise ValueError(f"base_url: {refusal}")


async def permitted(endpoint: Endpoint, egress: Egress) -> list[str]:
    """Return the addresses of an endpoint, in the resolver's order.

    One address that may not be called is enough to call none: who put it there has a say in the
    next answer, too.

    Raises:
        ConnectFailed: an address may not be called.
        OSError: the name can't be resolved.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(address[0]) for *_, address in found))
    for address in addresses:
        refusal = egress.refusal(endpoint.host, address)
        if refusal:
            raise ConnectFailed(refusal)
    return addresses
