"""The form of the keys that callers hold."""

import secrets

PREFIX = "lg-"
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_LENGTH = 43
"""62^43 is just over 2^256."""


def new_secret() -> str:
    """Return a new random secret: `lg-` and 43 letters and digits (256 bits)."""
    return PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))


def fingerprint(secret: str) -> str:
    """Return what may be shown of a secret: its prefix and last four characters."""
    return f"{PREFIX}…{secret[-4:]}"
