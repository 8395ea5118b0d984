"""Configuration of what is told to whom, by which channel."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from legato.core.config_audit import ObjectStoreCopy
from legato.core.config_parts import Count, Name, Positive, SecretRef
from legato.core.notification import Severity

_Some = Annotated[str, Meta(min_length=1, max_length=128)]
_Address = Annotated[str, Meta(pattern=r"^[^@\s<>,]+@[^@\s<>,]+$", max_length=254)]
Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class WebhookChannel(_Strict, frozen=True):
    """An address that takes POSTs signed as Standard Webhooks has them."""

    url: str
    secret: SecretRef
    ca_file: str | None = None


class AppriseChannel(_Strict, frozen=True):
    """A service that apprise knows; all of its URL is a secret."""

    url: SecretRef
    ca_file: str | None = None


class EmailChannel(_Strict, frozen=True):
    """A mail server, and whom it is to deliver to."""

    host: _Some
    sender: _Address
    to: Annotated[list[_Address], Meta(min_length=1, max_length=100)]
    port: Annotated[int, Meta(ge=1, le=65535)] = 587
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    user: _Some | None = None
    password: SecretRef | None = None
    ca_file: str | None = None


class FolderChannel(_Strict, frozen=True):
    """A folder: each notification a file, with what goes with it."""

    path: Annotated[str, Meta(min_length=1)]


class Channel(_Strict, frozen=True):
    """A way to people, or to where files are kept; exactly one of the five."""

    name: Name
    person: Annotated[str, Meta(min_length=1, max_length=254)] | None = None
    """The login of the one person who reads here: tasks before them come with a link by which
    they decide, once. Needs `accounts.external_url`."""
    email: EmailChannel | None = None
    webhook: WebhookChannel | None = None
    apprise: AppriseChannel | None = None
    folder: FolderChannel | None = None
    s3: ObjectStoreCopy | None = None


class NotificationRoute(_Strict, frozen=True):
    """What goes by which channels: all that is said must hold. Every route that fits is taken."""

    channels: Annotated[list[Name], Meta(min_length=1)]
    events: list[_Some] = []
    """Kinds, `budget.*` for all that begin so. None named: all."""
    severity: Severity = Severity.INFO
    """This or above."""
    org: _Some | None = None
    team: _Some | None = None
    feature: _Some | None = None


class Digest(_Strict, frozen=True):
    """The weekly digest of a team, or of each team of an organisation that has none of its own."""

    channels: Annotated[list[Name], Meta(min_length=1)]
    org: _Some = "default"
    team: _Some | None = None
    day: Day = "monday"
    """When it is sent: the week it is about has ended as this day begins."""
    hour: Annotated[int, Meta(ge=0, le=23)] = 8
    time_zone: _Some = "UTC"


class Notifications(_Strict, frozen=True):
    """What is told to whom. Without a channel nothing is, and nothing is looked for."""

    channels: list[Channel] = []
    routes: list[NotificationRoute] = []
    digests: list[Digest] = []
    attempts_max: Count = 10
    """After so many an attempt to send is given up until somebody asks for it again."""
    retry_s: Positive = 30.0
    """The wait after the first failure; it doubles with each, up to an hour."""
    look_s: Positive = 5.0
    """How often it is looked for what is to be told."""
    retention_days: Count = 90
    report_retention_days: Count = 400
    """Of scheduled reports that were made: whoever is told of one may fetch it so long."""
