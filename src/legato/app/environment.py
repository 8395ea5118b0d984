"""The only reader of the process environment."""

import os
from collections.abc import Mapping

PREFIX = "LEGATO_"
NESTING = "__"


def environment() -> Mapping[str, str]:
    """Return a copy of the environment as it is now."""
    return dict(os.environ)
