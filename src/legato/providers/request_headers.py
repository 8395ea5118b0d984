"""The header lines of upstream requests, rendered once when a provider is built.

`host`, `content-length`, `accept-encoding` and connection headers are the transport's.
"""

import re
from collections.abc import Mapping

from legato.core.errors import BadProviderResponse, ConfigInvalid

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\x20-\x7e\x80-\xff]*")
_TRANSPORT_OWNS = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "host",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


def render(defaults: Mapping[str, str], configured: Mapping[str, str], *, place: str) -> bytes:
    """Return header lines, each ending in CRLF; a configured header replaces a default.

    Raises:
        ConfigInvalid: a name or value that HTTP doesn't allow, or one the transport sets. The
            message names the header, never its value.
    """
    lines = {name.lower(): value for name, value in defaults.items()}
    lines.update({name.lower(): value.strip() for name, value in configured.items()})
    for header, value in lines.items():
        if not _NAME.fullmatch(header) or not _VALUE.fullmatch(value):
            raise ConfigInvalid(f"{place}: header {header!r} is not valid HTTP")
        if header in _TRANSPORT_OWNS:
            raise ConfigInvalid(f"{place}: header {header!r} is set by the transport")
    return b"".join(f"{header}: {value}\r\n".encode("latin-1") for header, value in lines.items())


def line(name: str, value: str) -> bytes:
    """Return one header line of a credential that was fetched.

    Raises:
        BadProviderResponse: it doesn't fit into a header.
    """
    if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
        raise BadProviderResponse(f"the credential for header {name!r} is not valid HTTP")
    return f"{name.lower()}: {value}\r\n".encode("latin-1")
