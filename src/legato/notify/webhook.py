"""Webhooks of our own, signed as https://www.standardwebhooks.com has them."""

import base64
import binascii
import hmac
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

import msgspec

from legato.core.notification import Notification
from legato.notify.channel import SendFailed

_MARK: Final = "whsec_"
_GONE: Final = 410
_NS_PER_S: Final = 1_000_000_000

Post = Callable[[dict[str, str], bytes], int]
"""POSTs headers and body to the address, follows no redirect and returns the status.

Raises SendFailed.
"""


class Payload(msgspec.Struct, frozen=True):
    """The body: what happened, when, and the figures."""

    type: str
    timestamp: str
    data: dict[str, Any]


class Webhook:
    """A `Channel`: the id of the notification is that of the message."""

    def __init__(self, post: Post, secret: str, now_ns: Callable[[], int]) -> None:
        """`secret` as `whsec_` and base64, or any text.

        Raises:
            ValueError: it begins with `whsec_` and what follows is no base64.
        """
        self._post = post
        self._key = signing_key(secret)
        self._now_ns = now_ns

    def send(self, notification: Notification) -> None:
        """POST it."""
        body = msgspec.json.encode(payload_of(notification))
        headers = signed(notification.id, self._now_ns() // _NS_PER_S, body, self._key)
        status = self._post(headers, body)
        if status // 100 != 2:  # noqa: PLR2004 - any success
            raise SendFailed(f"the webhook answered {status}", hopeless=status == _GONE)


def signing_key(secret: str) -> bytes:
    """Return the bytes that sign. Raises ValueError where a `whsec_` is followed by no base64."""
    if not secret.startswith(_MARK):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(_MARK), validate=True)
    except binascii.Error:
        msg = "the secret of a webhook begins with whsec_, but what follows is no base64"
        raise ValueError(msg) from None


def signed(message_id: str, at_s: int, body: bytes, key: bytes) -> dict[str, str]:
    """Return the headers of a message: `HMAC-SHA256(key, id.timestamp.body)`."""
    mac = hmac.new(key, f"{message_id}.{at_s}.".encode() + body, sha256).digest()
    return {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(at_s),
        "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
    }


def payload_of(notification: Notification) -> Payload:
    """Return the body. Amounts in `facts` are nano-USD."""
    at = datetime.fromtimestamp(notification.at_ns // _NS_PER_S, UTC)
    return Payload(
        notification.kind,
        f"{at:%Y-%m-%dT%H:%M:%SZ}",
        {
            "id": notification.id,
            "severity": notification.severity.value,
            "org": notification.org,
            "team": notification.team,
            "feature": notification.feature,
            "title": notification.title,
            "text": notification.text,
            "facts": notification.facts,
        },
    )
