"""What must hold of the issuers of callers' tokens."""

from collections.abc import Iterator

from legato.app.checks.egress import is_web_address, refused_host
from legato.core.config import Config
from legato.core.config_callers import TokenIssuer

Problem = tuple[str, str, str]
"""The setting below the issuer, what is wrong with it, and the remedy."""


def problems_of_issuers(config: Config) -> Iterator[tuple[int, Problem]]:
    """Yield what is wrong with `token_issuers`, each by its index."""
    names: set[str] = set()
    issuers: set[str] = set()
    for index, one in enumerate(config.token_issuers):
        if one.name in names:
            yield index, ("name", f"`{one.name}` is taken", "Give each its own name.")
        if one.issuer in issuers:
            yield index, ("issuer", "it stands here twice", "Put what its tokens need into one.")
        names.add(one.name)
        issuers.add(one.issuer)
        for problem in _problems(one, config):
            yield index, problem


def _problems(one: TokenIssuer, config: Config) -> Iterator[Problem]:
    if (one.jwks_url is None) == (one.jwks_file is None):
        yield "jwks_url", "exactly one of `jwks_url` and `jwks_file` is needed", "Name one."
    elif one.jwks_url is not None:
        if not is_web_address(one.jwks_url):
            yield "jwks_url", "not an http(s) address", "Write https://host/path."
        elif problem := refused_host(one.jwks_url, config):
            yield "jwks_url", problem, "Name a host that may be called."
    if not one.keys:
        yield "keys", "no token has a key", "Name one: {key: NAME}."
    for key in one.keys[:-1]:
        if key.claim is None:
            told = f"what comes after `{key.key}` is never reached: it fits every token"
            yield "keys", told, "Put the one without a claim last."
    if any((key.claim is None) != (key.value is None) for key in one.keys):
        yield "keys", "`claim` and `value` go together", "Name both, or neither."
