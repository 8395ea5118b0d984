"""Configuration of the audit log, and of where it is copied to."""

from typing import Annotated

import msgspec
from msgspec import Meta

from legato.core.config_parts import Name, Positive, SecretRef


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class FileCopy(_Strict, frozen=True):
    """A folder, best on a volume of another machine."""

    path: Annotated[str, Meta(min_length=1)]


class ObjectStoreCopy(_Strict, frozen=True):
    """A bucket that speaks S3's protocol, addressed by path."""

    endpoint: str
    bucket: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$")]
    access_key_id: SecretRef
    secret_access_key: SecretRef
    prefix: Annotated[str, Meta(pattern=r"^([A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*)?$")] = ""
    region: Annotated[str, Meta(pattern=r"^[A-Za-z0-9-]{1,64}$")] = "us-east-1"
    ca_file: str | None = None


class SyslogCopy(_Strict, frozen=True):
    """A receiver of RFC 5424: `udp://`, `tcp://` or `tls://host:port`."""

    address: str
    facility: Annotated[int, Meta(ge=0, le=23)] = 13
    ca_file: str | None = None


class WebhookCopy(_Strict, frozen=True):
    """An address that takes signed POSTs."""

    url: str
    secret: SecretRef
    ca_file: str | None = None


class AuditExport(_Strict, frozen=True):
    """Where the log is copied to; exactly one of the four."""

    name: Name
    every_s: Positive = 300.0
    file: FileCopy | None = None
    s3: ObjectStoreCopy | None = None
    syslog: SyslogCopy | None = None
    webhook: WebhookCopy | None = None


class TombstoneCopy(_Strict, frozen=True):
    """Where tombstones are copied to, and read back from; exactly one of the two."""

    name: Name
    file: FileCopy | None = None
    s3: ObjectStoreCopy | None = None


class Tombstones(_Strict, frozen=True):
    """What was revoked or erased, kept where a restored backup doesn't take it back."""

    copies: list[TombstoneCopy] = []
    every_s: Positive = 1.0
    """How often what is new is copied."""


class Audit(_Strict, frozen=True):
    """The audit log."""

    seal_every_s: Positive = 60.0
    """How often entries of the ledger and decisions are sealed into it."""
    export: list[AuditExport] = []
