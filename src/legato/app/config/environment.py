"""The only reader of the process environment."""

import os
from collections.abc import Mapping

PREFIX = "LEGATO_"
NESTING = "__"
DATABASE = "LEGATO_DATABASE"
"""What our pages call the variable with the address of Postgres."""


def environment() -> Mapping[str, str]:
    """Return a copy of the environment as it is now."""
    return dict(os.environ)
