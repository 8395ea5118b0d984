"""What may be wrong with `accounts` of the configuration."""

import re
from collections.abc import Iterator
from typing import Final

from legato.app.checks.egress import is_web_address, refused_host
from legato.app.config.problems import Path
from legato.core.config import Config

Problem = tuple[Path, str, str]
"""Path below `accounts`, message and remedy."""
_ORIGIN: Final = re.compile(r"https?://[A-Za-z0-9][A-Za-z0-9.-]*(?::[0-9]{1,5})?")
"""No user before an `@`, no path, nothing percent-encoded: redirects are built on it."""


def problems_of_accounts(config: Config) -> Iterator[Problem]:
    """Yield what is wrong."""
    accounts = config.accounts
    if accounts.external_url is not None and not _ORIGIN.fullmatch(accounts.external_url):
        remedy = "Write scheme and host alone: https://legato.example.com."
        yield ("external_url",), "not the address of a server", remedy
    names: set[str] = set()
    for index, one in enumerate(accounts.oidc):
        if accounts.external_url is None:
            remedy = "Set accounts.external_url: providers send people back there."
            yield ("oidc", index, "name"), "nobody could come back", remedy
        if one.name in names:
            yield ("oidc", index, "name"), f"`{one.name}` is taken", "Give each its own name."
        names.add(one.name)
        if not is_web_address(one.issuer):
            remedy = "Write what the provider calls itself: https://login.example.com."
            yield ("oidc", index, "issuer"), "not an https address", remedy
        elif problem := refused_host(one.issuer, config):
            yield ("oidc", index, "issuer"), problem, "Name a host that may be called."
        if "openid" not in one.scopes:
            yield ("oidc", index, "scopes"), "openid is missing", "Add it."
        if not one.role_mapping:
            remedy = "Map a claim's value to a role: who has none isn't let in."
            yield ("oidc", index, "role_mapping"), "nobody could sign in", remedy
        for at, mapping in enumerate(one.role_mapping):
            if mapping.instance and (mapping.team or mapping.feature):
                remedy = "Leave out team and feature, or instance."
                path = ("oidc", index, "role_mapping", at, "instance")
                yield path, "the whole instance has no team", remedy
            elif mapping.feature and not mapping.team:
                remedy = "Name its team: a feature alone is nowhere."
                path = ("oidc", index, "role_mapping", at, "team")
                yield path, "a feature is one of a team", remedy
    if accounts.session_idle_s > accounts.session_s:
        remedy = "Make it at most accounts.session_s."
        yield ("session_idle_s",), "longer than a session may last", remedy
