"""What is asked for, over HTTP, of a workflow: apart, since workers load no more until it comes."""

from typing import Any

import msgspec


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a caller asks for."""

    input: Any = None
    user: str = ""
    """On whose behalf, as callers name users."""
    test: bool = False
    once: str = ""
    """The idempotency key: the same one begins one run."""
