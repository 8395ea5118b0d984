"""Where a transport connects, taken apart once at start; what may go into a request's head."""

import re
import ssl
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import msgspec

_DEFAULT_PORTS = {"http": 80, "https": 443}
_SAFE_PATH = re.compile(rb"/[\x21-\x22\x24-\x7e]*")


class Endpoint(msgspec.Struct, frozen=True):
    """A server and the path prefix under which its API lives.

    `authority` is the value of the host header; `base_path` has no trailing slash.
    """

    host: str
    port: int
    secure: bool
    authority: bytes
    base_path: bytes

    @classmethod
    def parse(cls, base_url: str) -> Self:
        """Read an http or https URL; raises `ValueError` naming what is wrong with it."""
        parts = urlsplit(base_url)
        if parts.scheme not in _DEFAULT_PORTS:
            raise ValueError("base_url must start with http:// or https://")
        if parts.username is not None or parts.password is not None:
            raise ValueError("base_url must not carry credentials")
        if parts.query or parts.fragment:
            raise ValueError("base_url must not carry a query or a fragment")
        if not parts.hostname:
            raise ValueError("base_url names no host")
        host = _ascii_host(parts.hostname)
        port = parts.port or _DEFAULT_PORTS[parts.scheme]
        base_path = parts.path.rstrip("/").encode()
        if base_path:
            check_path(base_path)
        return cls(
            host=host,
            port=port,
            secure=parts.scheme == "https",
            authority=_authority(host, None if port == _DEFAULT_PORTS[parts.scheme] else port),
            base_path=base_path,
        )


def check_path(path: bytes) -> None:
    """Refuse a path that is not one absolute, already quoted request target (`ValueError`)."""
    if _SAFE_PATH.fullmatch(path) is None:
        raise ValueError("a request path starts with / and holds only visible ASCII without #")


def check_headers(headers: bytes) -> None:
    """Refuse header lines that would end the request head early (`ValueError`)."""
    if headers and (b"\r\n\r\n" in headers or headers[:1] == b"\r" or headers[-2:] != b"\r\n"):
        raise ValueError("headers must be complete lines, each ended by one CRLF")


def client_tls(ca_file: Path | None) -> ssl.SSLContext:
    """Return a verifying client context, trusting the system's CAs or those in `ca_file`."""
    context = ssl.create_default_context(cafile=ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


def _ascii_host(host: str) -> str:
    if ":" in host:
        return host
    try:
        return host.encode("ascii").decode() if host.isascii() else host.encode("idna").decode()
    except UnicodeError as error:
        raise ValueError("base_url's host is not a valid name") from error


def _authority(host: str, port: int | None) -> bytes:
    name = f"[{host}]" if ":" in host else host
    return (name if port is None else f"{name}:{port}").encode()
