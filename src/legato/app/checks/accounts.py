"""What may be wrong with `accounts` of the configuration."""

import re
from collections.abc import Iterator
from typing import Final

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
    if accounts.session_idle_s > accounts.session_s:
        remedy = "Make it at most accounts.session_s."
        yield ("session_idle_s",), "longer than a session may last", remedy
