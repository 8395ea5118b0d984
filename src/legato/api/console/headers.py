"""What the console's answers tell a browser that it may do with them."""

from typing import Final

NONCE_PLACE: Final = b"LEGATO_NONCE"
"""Where the built page has its nonce; another is put there for each answer."""
_POLICY: Final = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self' 'nonce-{nonce}'",
    "style-src-attr 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "worker-src 'self'",
    "manifest-src 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'self'",
)
"""Scripts come as files from here, and from nowhere else; nothing is asked of others."""
_USES_NOTHING: Final = (
    "camera",
    "display-capture",
    "geolocation",
    "gyroscope",
    "microphone",
    "midi",
    "payment",
    "publickey-credentials-get",
    "serial",
    "usb",
)

APART: Final = (
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
)
"""No other site's window, page or address learns of it."""
PERMISSIONS: Final = (
    b"permissions-policy",
    ", ".join(f"{one}=()" for one in _USES_NOTHING).encode(),
)


def page_policy(nonce: str) -> tuple[bytes, bytes]:
    """Return the Content-Security-Policy of the page: style elements need the nonce."""
    policy = "; ".join(_POLICY).format(nonce=nonce)
    return (b"content-security-policy", policy.encode("ascii"))
