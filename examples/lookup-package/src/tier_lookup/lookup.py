"""The look-up `tiers`: which tier a customer is in, by a file that another system writes.

A line is a customer, a comma and a tier. The file is read anew each time: Legato keeps what it told
for as long as `fresh_s` says, and asks in a thread.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from legato.core.errors import ConfigInvalid


def kind(settings: Mapping[str, Any]) -> Callable[[str, str], str | None]:
    """Make a look-up. Raises ConfigInvalid."""
    if unknown := sorted(settings.keys() - {"file"}):
        raise ConfigInvalid(f"settings.{unknown[0]}: unknown; there is `file` alone")
    if not isinstance(settings.get("file"), str):
        raise ConfigInvalid("settings.file: missing; name the file of customers and tiers")
    file = Path(settings["file"])

    def tier_of(key: str, org: str) -> str | None:
        """Return a customer's tier; None for one who isn't in the file. Raises OSError."""
        del org  # this file is for all organisations
        for line in file.read_text(encoding="utf-8").splitlines():
            customer, _, tier = line.partition(",")
            if customer == key:
                return tier.strip()
        return None

    return tier_of
