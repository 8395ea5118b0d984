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
