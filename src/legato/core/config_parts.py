"""What the parts of the configuration tree are made of."""

from typing import Annotated

import msgspec
from msgspec import Meta

Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$")]
Positive = Annotated[float, Meta(gt=0)]
Count = Annotated[int, Meta(ge=1)]
Share = Annotated[float, Meta(ge=0, le=1)]
Dollars = Annotated[str, Meta(pattern=r"^[0-9]+(\.[0-9]+)?$")]


class Requirements(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a deployment must be known to fulfil to be called: what is unknown isn't fulfilled."""

    regions: Annotated[list[str], Meta(min_length=1)] | None = None
    """One of these, written as the deployment has it."""
    no_training: bool = False
    retention_days_max: Annotated[int, Meta(ge=0)] | None = None
    certifications: list[str] = []
    """All of these."""


class SecretRef(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where a secret is read from; exactly one of the three. Never the secret itself.

    Environment and files are read at start. A credential of the vault may be changed while
    Legato runs; only `providers[].api_key` can name one.
    """

    env: str | None = None
    file: str | None = None
    vault: Name | None = None
