"""The secrets that people and machines hold, and how they are told apart."""

import secrets
from typing import Final

ACCOUNT_TOKEN: Final = "lgt-"  # noqa: S105 - a prefix; keys that call models begin with lg-
INVITATION: Final = "lgi-"
SESSION: Final = "lgs-"
TASK_LINK: Final = "lgl-"
_BYTES: Final = 32


def new_token(prefix: str) -> str:
    """Return a new random secret of 256 bits behind a prefix."""
    return prefix + secrets.token_urlsafe(_BYTES)


def is_account_token(secret: bytes) -> bool:
    """Whether it has the form of an account's token."""
    return secret.startswith(ACCOUNT_TOKEN.encode())
