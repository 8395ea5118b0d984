"""Whether a browser sends a request because our own page asked it to (against forged requests).

Neither `Host` nor a forwarding header is looked at: what a caller can choose decides nothing.
"""

import re
from typing import Final
from urllib.parse import urlsplit

from legato.core.errors import ForeignPage

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_OURS: Final = frozenset({"same-origin", "none"})
_LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")
_PLACE: Final = re.compile(r"/(?:[\w-][\w.~-]*(?:/[\w-][\w.~-]*)*/?)?(?:\?[\w.~=&%-]*)?", re.ASCII)


def own_origins(
    external_url: str | None, host: str, port: int, scheme: str = "http"
) -> frozenset[str]:
    """Return the origins of our own pages: the one configured, else what we listen at."""
    if external_url is not None:
        parts = urlsplit(external_url)
        return frozenset({f"{parts.scheme}://{parts.netloc}".lower()})
    names = {host, *_LOOPBACK} if host in {*_LOOPBACK, "0.0.0.0", "::"} else {host}  # noqa: S104
    return frozenset(f"{scheme}://{name}:{port}" for name in names)


def require_own_page(origin: str | None, fetch_site: str | None, own: frozenset[str]) -> None:
    """Raise ForeignPage for a request that a page of somebody else's made a browser send.

    A program that sends neither header is no browser.
    """
    if fetch_site is not None and fetch_site not in _OURS:
        raise ForeignPage("A page of another site sent this request.", param="sec-fetch-site")
    if origin is not None and origin.lower() not in own:
        msg = "A page of another origin sent this request: see accounts.external_url."
        raise ForeignPage(msg, param="origin")


def is_own_place(text: str) -> bool:
    """Whether a text is a path on this server, in plain characters: no other way to write one.

    `//evil`, a backslash, `a@b@evil`, `/..;/` and what is percent-encoded are none.
    """
    return len(text) <= 500 and _PLACE.fullmatch(text) is not None  # noqa: PLR2004
