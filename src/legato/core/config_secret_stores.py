"""Configuration of the programs that keep secrets for us: HashiCorp Vault, AWS Secrets Manager."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from legato.core.config_parts import SecretRef

Mount = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,64}(/[A-Za-z0-9._-]{1,64}){0,7}$")]
_TimeoutS = Annotated[float, Meta(gt=0, le=60)]


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class HashicorpAccess(_Strict, frozen=True):
    """How HashiCorp Vault (or OpenBao) is reached, and how we sign in."""

    url: Annotated[str, Meta(pattern=r"^https?://[^/@\s]+/?$")]
    namespace: str | None = None
    ca_file: str | None = None
    timeout_s: _TimeoutS = 5.0
    auth: Literal["token", "approle", "kubernetes"] = "token"
    auth_mount: Mount | None = None
    """Where the auth method is mounted; None: under its own name."""
    role: str | None = None
    """For `kubernetes`."""
    jwt_file: str = "/var/run/secrets/kubernetes.io/serviceaccount/token"


class AwsAccess(_Strict, frozen=True):
    """How an AWS service is reached; without secrets the credentials come by botocore's chain."""

    region: Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,32}$")]
    endpoint_url: Annotated[str, Meta(pattern=r"^https?://[^/@\s]+/?$")] | None = None
    profile: str | None = None
    timeout_s: _TimeoutS = 5.0


class HashicorpStore(HashicorpAccess, frozen=True):
    """Where `{hashicorp: …}` is read."""

    mount: Mount = "secret"
    """A KV engine, version 2."""
    secrets: dict[str, SecretRef] = {}
    """`token`, or `role_id` and `secret_id`."""


class AwsStore(AwsAccess, frozen=True):
    """Where `{aws_secret: …}` is read."""

    secrets: dict[str, SecretRef] = {}
    """`access_key_id`, `secret_access_key`, `session_token`."""


class SecretStores(_Strict, frozen=True):
    """Programs that keep secrets for us. What signs in to them is in the environment or a file."""

    hashicorp: HashicorpStore | None = None
    aws: AwsStore | None = None
    refresh_s: Annotated[float, Meta(ge=1)] = 300.0
    """How often a running Legato reads what may be changed under it."""
