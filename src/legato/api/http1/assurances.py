"""What every answer tells a browser, so that it takes nothing for what it isn't.

No answer says which software it is from: nobody needs it who has a use for the answer.
"""

from typing import Final

_NO_GUESSING: Final = b"x-content-type-options: nosniff\r\n"
_TLS_ALONE: Final = b"strict-transport-security: max-age=31536000\r\n"
"""For a year. Not of subdomains: they are others'."""


def assurances(*, by_tls: bool) -> bytes:
    """Return the header lines. TLS alone is asked for over TLS alone (RFC 6797, 7.2)."""
    return _NO_GUESSING + _TLS_ALONE if by_tls else _NO_GUESSING
