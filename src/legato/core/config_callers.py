"""Configuration of tokens that callers bring of an identity provider."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from legato.core.config_parts import Name, Positive

Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class TokenKey(_Strict, frozen=True, kw_only=True):
    """Whose limits, budget and models a token has."""

    key: Name
    """A key's id, or its name where only one has it."""
    claim: str | None = None
    """None: every token of the issuer."""
    value: str | None = None
    """What the claim is, or is one of."""


class TokenIssuer(_Strict, frozen=True, kw_only=True):
    """Who signs tokens that stand in the place of a key's secret."""

    name: Name
    issuer: Annotated[str, Meta(min_length=1)]
    """The claim `iss`, exactly."""
    org: Name = "default"
    """Whose keys its tokens act for."""
    audience: Annotated[str, Meta(min_length=1)]
    """The claim `aud`, or one of it."""
    jwks_url: str | None = None
    jwks_file: str | None = None
    algorithms: Annotated[list[Algorithm], Meta(min_length=1)] = msgspec.field(
        default_factory=lambda: ["RS256", "ES256"]
    )
    keys: list[TokenKey]
    """The first that fits."""
    user_claim: str = "sub"
    """Who the call is for; a `user` that the caller states doesn't count."""
    tags: dict[str, str] = {}
    """Tags of the ledger's entries, each by the claim it is taken from."""
    leeway_s: Annotated[int, Meta(ge=0, le=300)] = 30
    """How far the issuer's clock may be off."""
    refresh_s: Positive = 300.0
    """How often its signing keys are read anew; for one that isn't known, at once."""
