"""What the parts of the configuration tree are made of."""

from typing import Annotated

import msgspec
from msgspec import Meta

Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$")]
Positive = Annotated[float, Meta(gt=0)]
Count = Annotated[int, Meta(ge=1)]
Share = Annotated[float, Meta(ge=0, le=1)]
_STEP = "[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}"
Dollars = Annotated[str, Meta(pattern=r"^[0-9]+(\.[0-9]+)?$")]


class Requirements(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a deployment must be known to fulfil to be called: what is unknown isn't fulfilled."""

    regions: Annotated[list[str], Meta(min_length=1)] | None = None
    """One of these, written as the deployment has it."""
    no_training: bool = False
    retention_days_max: Annotated[int, Meta(ge=0)] | None = None
    certifications: list[str] = []
    """All of these."""


class HashicorpSecret(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A field of a secret in a KV engine (version 2) of HashiCorp Vault or OpenBao."""

    path: Annotated[str, Meta(pattern=rf"^{_STEP}(/{_STEP}){{0,15}}$")]
    """Below the mount, as `vault kv get` takes it."""
    key: Annotated[str, Meta(min_length=1, max_length=256)]


class AwsSecret(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A secret of AWS Secrets Manager: its text, or one field where the text is a JSON object."""

    id: Annotated[str, Meta(pattern=r"^[A-Za-z0-9/_+=.@:-]{1,2048}$")]
    """A name or an ARN."""
    key: Annotated[str, Meta(min_length=1, max_length=256)] | None = None


class SecretRef(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where a secret is read from; exactly one of these. Never the secret itself.

    Environment, files and the stores of `secret_stores` are read at start. A credential of
    Legato's own vault may be changed while it runs; only `providers[].api_key` can name one.
    """

    env: str | None = None
    file: str | None = None
    vault: Name | None = None
    hashicorp: HashicorpSecret | None = None
    aws_secret: AwsSecret | None = None

    @property
    def in_store(self) -> bool:
        """Whether another program keeps it, which has to be asked."""
        return self.hashicorp is not None or self.aws_secret is not None
