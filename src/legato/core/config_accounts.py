"""Configuration of how people and machines sign in to the control API."""

from typing import Annotated

import msgspec
from msgspec import Meta

from legato.core.config_parts import Positive

_HOUR_S = 3600.0


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Refuses unknown fields."""


class Accounts(_Strict, frozen=True):
    """Sign-in of people. Nothing of it touches calls to models."""

    external_url: str | None = None
    """How browsers reach this server: `https://legato.example.com`, without a path."""
    passwords: bool = True
    """Whether people may sign in by a password; False where a provider is all there is."""
    secure_cookies: bool = False
    """Mark cookies for TLS alone also where `external_url` isn't https."""
    session_idle_s: Positive = 2 * _HOUR_S
    session_s: Positive = 12 * _HOUR_S
    invitation_s: Positive = 72 * _HOUR_S
    token_days_max: Annotated[int, Meta(ge=1, le=3660)] = 365
