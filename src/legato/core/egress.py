"""Which addresses may be called: the rules against requests forged through a configured URL.

A name is judged by what it resolves to, each time a connection is opened, so a name that later
points elsewhere (DNS rebinding) is judged again. Ways to write an address that only hide it are
refused whatever they mean.
"""

import ipaddress
import re
from typing import Self

import msgspec

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_HIDDEN_IPV4 = re.compile(r"(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+)){0,3}\.?", re.IGNORECASE)
_METADATA = (
    ipaddress.ip_address("fd00:ec2::254"),  # AWS
    ipaddress.ip_address("100.100.100.200"),  # Alibaba Cloud
    ipaddress.ip_address("168.63.129.16"),  # Azure's host
)

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class Egress(msgspec.Struct, frozen=True):
    """Which hosts may be called.

    Link-local addresses (where clouds keep their credentials), multicast, unspecified and reserved
    ones never, private and loopback ones where `private` says so; `hosts` and `networks` are the
    exceptions that the operator made by name.
    """

    private: bool = True
    hosts: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()

    @classmethod
    def of(cls, allow: list[str], *, private: bool) -> Self:
        """Read the exceptions: host names, addresses, or networks such as `10.0.0.0/8`.

        Raises:
            ValueError: naming the entry that is none of these.
        """
        hosts, networks = set(), []
        for entry in allow:
            try:
                networks.append(ipaddress.ip_network(entry))
            except ValueError:
                if "/" in entry or not entry or refused_form(entry):
                    msg = f"{entry!r} is no host name, address or network"
                    raise ValueError(msg) from None
                hosts.add(entry.lower().rstrip("."))
        return cls(private, frozenset(hosts), tuple(networks))

    def refusal(self, host: str, address: str) -> str:
        """Say why an address that `host` stands for may not be called; "" where it may."""
        try:
            found = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return f"{address!r} is no address"
        if host.lower().rstrip(".") in self.hosts or self._excepted(found):
            return ""
        kind = _kind(_inner(found))
        if not kind or (kind == "private" and self.private):
            return ""
        return f"{host} is at a {kind} address; egress.allow can name it"

    def refusal_of_host(self, host: str) -> str:
        """Say why a host may not be named at all, before anything is resolved."""
        form = refused_form(host)
        if form:
            return form
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return ""
        return self.refusal(host, host)

    def _excepted(self, address: Address) -> bool:
        return any(address in network for network in self.networks)


PERMISSIVE = Egress()
"""Where nothing is configured: private addresses too, but never those of metadata."""


def refused_form(host: str) -> str:
    """Say why a host is written as nobody writes one in good faith; "" where it isn't."""
    if "%" in host:
        return f"{host!r}: a zone has no place in a URL"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        if _HIDDEN_IPV4.fullmatch(host):
            return f"{host!r}: write an IPv4 address as four decimal numbers"
        return ""
    if isinstance(address, ipaddress.IPv6Address) and (
        address.ipv4_mapped or address.sixtofour or address.teredo
    ):
        return f"{host!r}: write the IPv4 address itself"
    return ""


def _kind(address: Address) -> str:
    if address in _METADATA or address.is_link_local:
        return "link-local or metadata"
    if address.is_loopback:
        return "private"
    if address.is_multicast or address.is_unspecified or address.is_reserved:
        return "multicast, unspecified or reserved"
    return "private" if address.is_private else ""


def _inner(address: Address) -> Address:
    """Return the IPv4 address an IPv6 one stands for: mapped, or behind NAT64 (RFC 6052)."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address
