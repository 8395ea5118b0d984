"""Configuration of how people and machines sign in to the control API."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from legato.core.config_parts import Name, Positive, SecretRef

_HOUR_S = 3600.0
Algorithm = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519"
]


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Refuses unknown fields."""


class RoleMapping(_Strict, frozen=True):
    """Who has this value in this claim has this role."""

    claim: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_:/.-]{1,200}$")]
    """A path into the claims, as `groups` or `realm_access.roles`; a list holds the value."""
    value: Annotated[str, Meta(min_length=1, max_length=256)]
    role: Name
    instance: bool = False
    """Over every organisation, not only the provider's `org`."""
    team: str = ""
    feature: str = ""


class OidcProvider(_Strict, frozen=True):
    """An OpenID provider that people sign in by."""

    name: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
    issuer: str
    client_id: Annotated[str, Meta(min_length=1, max_length=256)]
    role_mapping: list[RoleMapping]
    title: str = ""
    """What people read where they choose; the name where it is empty."""
    client_secret: SecretRef | None = None
    """None for a public client."""
    scopes: list[Annotated[str, Meta(pattern=r"^[A-Za-z0-9_:/.-]+$")]] = msgspec.field(
        default_factory=lambda: ["openid", "profile", "email"]
    )
    org: Name = "default"
    """Where accounts are made."""
    algorithms: Annotated[list[Algorithm], Meta(min_length=1)] = msgspec.field(
        default_factory=lambda: ["RS256", "PS256", "ES256"]
    )
    """What an ID token may be signed by. No symmetric one, and never none."""
    link_verified_email: bool = False
    """Let who has a password here sign in by the provider, where it verified the same address."""
    sign_in_again_days: Annotated[int, Meta(ge=1, le=365)] = 30
    """Tokens of a person who didn't sign in for so long rest: nobody said they are still there."""
    ca_file: str | None = None


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
    oidc: list[OidcProvider] = []
    token_days_max: Annotated[int, Meta(ge=1, le=3660)] = 365
