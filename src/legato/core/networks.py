"""Networks that addresses are held against."""

import ipaddress
from collections.abc import Iterable
from functools import lru_cache

from legato.core.errors import InvalidRequest

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def read_networks(texts: Iterable[str], param: str) -> tuple[str, ...]:
    """Return networks as they are kept: in one form, in order, each once.

    Raises:
        InvalidRequest: one is neither an address nor a network.
    """
    found = set()
    for text in texts:
        try:
            found.add(str(ipaddress.ip_network(text.strip())))
        except ValueError as error:
            msg = f"{param}: {error}; write 10.0.0.0/8, 2001:db8::/32 or one address"
            raise InvalidRequest(msg, param=param) from None
    return tuple(sorted(found))


def is_within(address: str, networks: tuple[str, ...]) -> bool:
    """Whether an address lies in one of the networks; none does that can't be read."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    return any(found in network for network in _parsed(networks))


def origin_of(address: str) -> str:
    """Return by what attempts of strangers are counted: an IPv4 address, or the /64 of an IPv6 one.

    Whoever has one address of a /64 has all of them (RFC 6177).
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((int(found) >> 64 << 64, 64)))


def are_within(inner: tuple[str, ...], outer: tuple[str, ...]) -> bool:
    """Whether each network lies in one of the others."""
    return all(any(_lies_in(one, other) for other in _parsed(outer)) for one in _parsed(inner))


def _lies_in(one: Network, other: Network) -> bool:
    if isinstance(one, ipaddress.IPv4Network) and isinstance(other, ipaddress.IPv4Network):
        return one.subnet_of(other)
    if isinstance(one, ipaddress.IPv6Network) and isinstance(other, ipaddress.IPv6Network):
        return one.subnet_of(other)
    return False


@lru_cache(maxsize=1024)
def _parsed(networks: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(one) for one in networks)
