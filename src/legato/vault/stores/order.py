"""What a reading process is asked, and what it tells. Neither shows a secret when printed."""

import msgspec

from legato.core.config_parts import AwsSecret, HashicorpSecret, SecretRef
from legato.core.config_secret_stores import AwsAccess, HashicorpAccess


class HashicorpOrder(msgspec.Struct, frozen=True, kw_only=True):
    """A Vault, and what signs in to it."""

    access: HashicorpAccess
    mount: str
    secrets: dict[str, str]

    def __repr__(self) -> str:
        return f"HashicorpOrder({self.access.url})"


class AwsOrder(msgspec.Struct, frozen=True, kw_only=True):
    """A region of AWS, and what signs in to it."""

    access: AwsAccess
    secrets: dict[str, str]

    def __repr__(self) -> str:
        return f"AwsOrder({self.access.region})"


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """Which secrets to read."""

    wanted: list[SecretRef]
    hashicorp: HashicorpOrder | None = None
    aws: AwsOrder | None = None


class Found(msgspec.Struct, frozen=True):
    """One secret, or why there is none and what to do about it."""

    text: str | None = None
    told: str = ""
    remedy: str = ""

    def __repr__(self) -> str:
        return f"Found({'***' if self.text is not None else self.told})"


class Unread(Exception):
    """A secret isn't there, or is no text."""

    def __init__(self, told: str, remedy: str) -> None:
        super().__init__(told)
        self.found = Found(None, told, remedy)


def named(reference: HashicorpSecret | AwsSecret, mount: str = "") -> str:
    """Return how people call a secret: its path or id, never what it holds."""
    if isinstance(reference, HashicorpSecret):
        return f"{mount}/{reference.path}"
    return reference.id
