"""Configuration of the listeners."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from legato.core.config_parts import Count, Positive

Port = Annotated[int, Meta(ge=0, le=65535)]


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class Tls(_Strict, frozen=True):
    """How a listener proves who it is. The files are read anew when they change."""

    cert_file: str
    """In PEM: its own certificate, then those that lead to one that callers trust."""
    key_file: str
    client_ca_file: str | None = None
    """Who may have signed callers' certificates; None: none is asked for."""
    client_certificate: Literal["required", "optional"] = "required"
    """Where `client_ca_file` is set. An optional one must be good all the same."""
    version_min: Literal["1.2", "1.3"] = "1.2"


class ListenerApart(_Strict, frozen=True):
    """A listener of its own for part of what is served."""

    port: Port
    host: str = "127.0.0.1"
    tls: Tls | None = None


class Server(_Strict, frozen=True):
    """The listeners: one for all, or others for the control API and the metrics."""

    host: str = "127.0.0.1"
    port: Port = 8790
    tls: Tls | None = None
    admin: ListenerApart | None = None
    """The control API is served there, and nowhere else."""
    metrics: ListenerApart | None = None
    """`/metrics` is served there, and nowhere else."""
    trusted_proxies: list[str] = []
    """Networks of load balancers: the address that they state is the caller's."""
    body_bytes_max: Count = 32 * 1024 * 1024
    keep_alive_s: Positive = 75.0
    reader_bytes_per_s_min: Count = 1024
    """What a caller takes at least of an answer that is held for him, over `reader_window_s`."""
    reader_window_s: Positive = 20.0
    drain_s: Positive = 30.0
    """How long open calls may go on after a stop signal."""
