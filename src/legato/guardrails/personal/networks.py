"""Addresses of machines: IP of both versions, and MAC."""

import re
from collections.abc import Iterator
from ipaddress import AddressValueError, IPv6Address
from typing import Final

from legato.guardrails.expressions import Expression
from legato.guardrails.spans import Span, Text

_IP: Final = "IP_ADDRESS"
_MAC: Final = "MAC_ADDRESS"
# Rows without an end are taken whole, to be refused at once.
_OCTETS: Final = r"\d{1,3}(?:\.\d{1,3}){3,}"
_COLONS: Final = r"[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,}(?:(?:\.\d{1,3}){3})?"
_DASHES: Final = r"[0-9A-Fa-f]{2}(?:-[0-9A-Fa-f]{2}){5}|[0-9A-Fa-f]{4}(?:\.[0-9A-Fa-f]{4}){2}"
# Words before four numbers that say they are no address: "version 10.2.3.4", "pkg==1.2.3.4".
_VERSION_BEFORE: Final = Expression(
    r"(?:\b(?:v|ver|versi[oó]n|release|build|firmware|driver|sdk|patch|revision|rev|kernel|section|"
    r"chapter|clause|oid|schema|assembly\w*|fileversion|productversion|upgraded?|updated?|python|"
    r"node(?:\.?js)?|java|jdk|openjdk|chrome|chromium|firefox|safari|edge|opera|webkit|ubuntu|debian|"
    r"windows|android|ios|macos|linux|postgres\w*|mysql|mariadb|redis|nginx|openssl|php|ruby|golang|"
    r"rust|gcc|clang|cuda|cudnn|pytorch|tensorflow|numpy|django|rails|spring|kafka|elasticsearch|"
    r"mongodb|docker|kubernetes|terraform|office|oracle|gradle|maven|npm|pip|opencv|rfc)s?"
    r"[\s:=\"'.#(-]{0,4}(?:(?:number|no|is|was|from|to)[\s:.\"']{1,3})?"
    r"(?:[\d.]+ (?:to|and) )?|==\s?|[a-z0-9]/|[a-z]-)$",
    ignore_case=True,
)
_GROUP: Final = re.compile(r"[0-9A-Fa-f]{3,4}")
_IP_NEAR: Final = re.compile(r"\b(?:ip|ipv6|ipv4|addr\w*|host|client|server|peer|remote)\b")
_MAC_SHAPE: Final = re.compile(r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}")
_CHARS_MIN: Final = 5
_CHARS_MAX: Final = 64
_V6_GROUPS: Final = 8
_OCTET_MAX: Final = 255


class Networks:
    """Finds IP_ADDRESS and MAC_ADDRESS."""

    gate = (
        r"\d\.\d{1,3}\.\d{1,3}\.\d|[0-9A-Fa-f]{0,4}:[0-9A-Fa-f]{0,4}:[0-9A-Fa-f]{0,4}"
        r"|[0-9A-Fa-f]{2}-[0-9A-Fa-f]{2}-[0-9A-Fa-f]{2}-|[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\."
    )
    labels = frozenset({_IP, _MAC})

    def __init__(self) -> None:
        self._address = Expression(f"{_OCTETS}|{_COLONS}|{_DASHES}")

    def find(self, text: Text) -> Iterator[Span]:
        """Yield addresses; masks, loopback and "any" say nothing of anybody and are left out."""
        for match in self._address.matches(text.data):
            start, end = match.span()
            if not _CHARS_MIN <= end - start <= _CHARS_MAX:
                continue
            found = match.group().decode()
            if ":" in found:
                span = _colons(text, start, found)
            elif "-" in found or not found.replace(".", "").isdigit() or found.count(".") != 3:  # noqa: PLR2004
                span = _joined_mac(text, start, end)
            else:
                span = _v4(text, start, found)
            if span is not None:
                yield span


def _v4(text: Text, start: int, found: str) -> Span | None:
    end = start + len(found)
    octets = found.split(".")
    if any(int(octet) > _OCTET_MAX or (octet[0] == "0" and octet != "0") for octet in octets):
        return None
    if not text.apart(start, end, b"._"):
        return None
    if found in {"0.0.0.0", "127.0.0.1"} or octets[:2] == ["255", "255"]:  # noqa: S104 - no socket
        return None
    if _network(text.after(end, 4), octets[-1]):
        return None
    if _VERSION_BEFORE.within(text.leading(start, 32)):
        return None
    return Span(start, end, _IP, "ipv4", 50)


def _network(behind: str, last: str) -> bool:
    """Whether it is a whole network, as 10.0.0.0/8: nobody's address."""
    return last == "0" and re.match(r"/[12]?\d\b", behind) is not None


def _colons(text: Text, start: int, found: str) -> Span | None:
    end = start + len(found)
    if _MAC_SHAPE.fullmatch(found) and text.apart(start, end, b":-"):
        return Span(start, end, _MAC, "mac", 50)
    # A port behind an address without brackets makes a ninth group.
    groups = found.split(":")
    if len(groups) == _V6_GROUPS + 1 and "" not in groups[:_V6_GROUPS]:
        groups = groups[:_V6_GROUPS]
    kept = ":".join(groups)
    if kept.endswith(":") and not kept.endswith("::"):
        kept = kept[:-1]
    lead = 1 if kept.startswith(":") and not kept.startswith("::") else 0
    kept = kept[lead:]
    start += lead
    end = start + len(kept)
    if not text.apart(start, end, b".") or not _looks_v6(kept, text.before(start, 24)):
        return None
    try:
        address = IPv6Address(kept)
    except AddressValueError:
        return None
    if address.is_loopback or address.is_unspecified:
        return None
    return Span(start, end, _IP, "ipv6", 50)


def _looks_v6(kept: str, before: str) -> bool:
    """Whether it is written as an address: `1::2` and `ab::cd` are slices and names, too."""
    if "::" not in kept:
        return kept.count(":") == _V6_GROUPS - 1
    if _GROUP.search(kept) and any(map(str.isdigit, kept)):
        return True
    return _IP_NEAR.search(before) is not None


def _joined_mac(text: Text, start: int, end: int) -> Span | None:
    found = text.part(start, end)
    if not text.apart(start, end, b"-.:"):
        return None
    if found.replace("-", "").replace(".", "").isdigit() and "mac" not in text.before(start, 24):
        return None
    return Span(start, end, _MAC, "mac", 50)
