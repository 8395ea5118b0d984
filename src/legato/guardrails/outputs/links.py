"""Links to hosts that aren't allowed: the address of an image can carry data away by itself."""

from collections.abc import Iterable, Sequence
from typing import Final

import re2

from legato.core.guarding import Finding

LINK: Final = "LINK"
IMAGE: Final = "IMAGE"
_ADDRESS: Final = r"[^\s<>\"'`)\]}]+"
_IMAGE: Final = (
    r"!\[[^\]]*\]\(\s*<?([^)\s>]+)[^)]*\)?"
    r"|<img\b[^>]*?\bsrc\s*=\s*[\"']?([^\s\"'>]+)[^>]*>?"
    r"|\[[^\]\n]+\]:[ \t]*<?([^\s>]+)"
)
_IMAGES: Final = 3
"""Groups of it."""
_LINK: Final = rf"\]\(\s*<?(//{_ADDRESS})|((?:https?|ftp|wss?):{_ADDRESS}|\bwww\.{_ADDRESS})"
_BEGUN: Final = re2.compile(
    r"(?i)(?:!(?:\[[^\]]*(?:\](?:\([^)]*)?)?)?|<(?:i|im|img(?:\s[^>]*)?)?|\[[^\]\n]*(?:\]:?[ \t]*)?"
    rf"|\](?:\(\s*<?[^\s)>]*)?|(?:https?|ftp|wss?):[^\s<>\"'`)\]}}]*|www\.{_ADDRESS}|[a-z]{{1,5}})$"
)
BEGUN_MAX: Final = 2_048
"""Characters of something unfinished that are waited for."""
_HOST: Final = re2.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*")
NO_HOST: Final = "?"
"""What no list can name: a browser may make a host of it, we don't guess which."""
_SCHEMES: Final = ("http:", "https:", "ftp:", "ws:", "wss:")


class LinkFinder:
    """Finds links and images whose host is not among those allowed."""

    def __init__(self, hosts: Iterable[str], *, images_only: bool = False) -> None:
        """`*.example.com` allows every host below it."""
        given = {one.lower().rstrip(".") for one in hosts}
        self._hosts = frozenset(one for one in given if not one.startswith("*."))
        self._below = tuple(one[1:] for one in given if one.startswith("*."))
        self._pattern = re2.compile("(?i)" + (_IMAGE if images_only else f"{_IMAGE}|{_LINK}"))

    def find(self, text: str) -> Sequence[Finding]:
        """Return images as a whole, of links the address."""
        found: list[Finding] = []
        for match in self._pattern.finditer(text):
            for group, address in enumerate(match.groups(), 1):
                if address is None or self._may_be(address):
                    continue
                is_image = group <= _IMAGES
                start, end = match.span() if is_image else match.span(group)
                found.append(Finding(IMAGE if is_image else LINK, start, end, 1.0, "links"))
        return found

    def open_from(self, text: str) -> int:
        """Return where the link begins that the text's end is in, or may be."""
        skipped = max(0, len(text) - BEGUN_MAX)
        match = _BEGUN.search(text[skipped:])
        return len(text) if match is None else skipped + match.start()

    def _may_be(self, address: str) -> bool:
        host = host_of(address)
        return host is None or host in self._hosts or host.endswith(self._below)


def host_of(address: str) -> str | None:
    """Return the host that a browser would ask for an address; None where it asks none.

    NO_HOST where it is none that a list could name.
    """
    lowered = address.lower()
    scheme = next((one for one in _SCHEMES if lowered.startswith(one)), "")
    if scheme:
        rest = lowered[len(scheme) :].lstrip("/\\")
    elif lowered.startswith(("//", "\\\\", "/\\", "\\/")):
        rest = lowered.lstrip("/\\")
    elif lowered.startswith("www."):
        rest = lowered
    else:
        return None
    for sign in "/\\?#":
        rest = rest.partition(sign)[0]
    host = rest.rpartition("@")[2].partition(":")[0].rstrip(".")
    return host if _HOST.fullmatch(host) else NO_HOST
