"""The rules of the configuration about where may be called."""

from urllib.parse import urlsplit

from legato.core.config import Config
from legato.core.egress import Egress


def egress_of(config: Config) -> Egress:
    """Return the policy. Raises ValueError naming an exception that is none."""
    return Egress.of(config.egress.allow, private=config.egress.private == "allow")


def host_problem(url: str, egress: Egress) -> str:
    """Say why the host of a URL may not be named; "" where it may."""
    return egress.refusal_of_host(urlsplit(url).hostname or "")


def refused_host(url: str, config: Config) -> str:
    """Say why the configuration forbids the host of a URL; "" where it doesn't."""
    try:
        return host_problem(url, egress_of(config))
    except ValueError:
        return ""  # the rules themselves are wrong, which is told at their place


def address_problem(url: str, config: Config) -> str:
    """Say why something can't be called over HTTP at a URL; "" where it can."""
    if not is_web_address(url):
        return "not an http(s) address"
    return refused_host(url, config)


def is_web_address(url: str) -> bool:
    """Return whether a URL names a host over HTTP, and no user with it."""
    try:
        parts = urlsplit(url)
    except ValueError:  # brackets that hold no IPv6 address
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in parts.netloc
