"""Signatures of webhooks: Standard Webhooks 1.0, GitHub, Stripe and Slack.

All are HMAC-SHA256 over the body as it came and, but for GitHub's, the time it was sent: what is
older than the tolerance is refused, and what is younger is known by its id (see `intake`), so a
recorded delivery can't be sent again. GitHub signs no time; its delivery's id stands for it as long
as ids are kept. Any of several secrets may fit, so that one can be changed without a gap; each
comparison takes the same time wherever it fails.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from legato.core.errors import Unauthenticated
from legato.flow.trigger_settings import Style

TOLERANCE_S: Final = 300
_SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - of all of them
_SIGNATURES_MAX: Final = 20
_DIGITS_MAX: Final = 12


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery whose signature is good."""

    id: str
    """Its sender's; what two attempts of the same delivery have in common."""
    type: str = ""
    """What it says that it is, "" where only the body says it."""


class Refused(Unauthenticated):
    """A webhook whose signature isn't good. The message never says how near it was."""

    code = "webhook_refused"


def verify(
    style: Style,
    secrets: Sequence[bytes],
    headers: Mapping[str, str],
    body: bytes,
    *,
    now_s: int,
) -> Delivery:
    """Return the delivery; `headers` have lower-case names.

    Raises:
        Refused: it isn't signed with any of the secrets, or too old.
    """
    return _STYLES[style](secrets, headers, body, now_s)


def key_of(style: Style, secret: str) -> bytes:
    """Return the key that a secret stands for: of Standard Webhooks it is written in base64.

    Raises:
        ValueError: it is no secret of this style.
    """
    if not secret:
        msg = "the secret is empty"
        raise ValueError(msg)
    if style != "standard_webhooks":
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(_SECRET_PREFIX), validate=True)
    except binascii.Error:
        msg = "a secret of Standard Webhooks is base64, mostly behind whsec_"
        raise ValueError(msg) from None


def _standard(
    secrets: Sequence[bytes], headers: Mapping[str, str], body: bytes, now_s: int
) -> Delivery:
    sent_id = _header(headers, "webhook-id")
    sent_at = _recent(_header(headers, "webhook-timestamp"), now_s)
    signed = b"%s.%d.%s" % (sent_id.encode(), sent_at, body)
    given = [
        part.removeprefix("v1,")
        for part in _header(headers, "webhook-signature").split()[:_SIGNATURES_MAX]
        if part.startswith("v1,")
    ]
    wanted = [base64.b64encode(_mac(one, signed)).decode() for one in secrets]
    _require_one(given, wanted)
    return Delivery(id=sent_id)


def _github(
    secrets: Sequence[bytes], headers: Mapping[str, str], body: bytes, _now_s: int
) -> Delivery:
    given = _header(headers, "x-hub-signature-256")
    _require_one([given], [f"sha256={_mac(one, body).hex()}" for one in secrets])
    # the id isn't signed, so who has a delivery could send it under another: the body stands in it
    event = headers.get("x-github-event", "")
    return Delivery(id=hashlib.sha256(body + event.encode()).hexdigest(), type=event)


def _stripe(
    secrets: Sequence[bytes], headers: Mapping[str, str], body: bytes, now_s: int
) -> Delivery:
    parts = [one.strip().partition("=") for one in _header(headers, "stripe-signature").split(",")]
    times = [value for name, _, value in parts if name == "t"]
    sent_at = _recent(times[0] if times else "", now_s)
    signed = b"%d.%s" % (sent_at, body)
    given = [value for name, _, value in parts if name == "v1"][:_SIGNATURES_MAX]
    _require_one(given, [_mac(one, signed).hex() for one in secrets])
    named = _body_fields(body)
    return Delivery(id=named.get("id") or hashlib.sha256(signed).hexdigest(),
                    type=named.get("type", ""))  # fmt: skip


def _slack(
    secrets: Sequence[bytes], headers: Mapping[str, str], body: bytes, now_s: int
) -> Delivery:
    sent_at = _recent(_header(headers, "x-slack-request-timestamp"), now_s)
    signed = b"v0:%d:%s" % (sent_at, body)
    given = _header(headers, "x-slack-signature")
    _require_one([given], [f"v0={_mac(one, signed).hex()}" for one in secrets])
    named = _body_fields(body)
    return Delivery(id=named.get("event_id") or hashlib.sha256(signed).hexdigest(),
                    type=named.get("type", ""))  # fmt: skip


_Verify = Callable[[Sequence[bytes], Mapping[str, str], bytes, int], Delivery]
_STYLES: Final[Mapping[str, _Verify]] = {
    "standard_webhooks": _standard,
    "github": _github,
    "stripe": _stripe,
    "slack": _slack,
}


def _mac(secret: bytes, signed: bytes) -> bytes:
    return hmac.new(secret, signed, hashlib.sha256).digest()


def _header(headers: Mapping[str, str], name: str) -> str:
    found = headers.get(name, "")
    if not found:
        raise Refused(f"The webhook has no header {name}.")
    return found


def _recent(sent: str, now_s: int) -> int:
    if not (sent.isascii() and sent.isdigit() and len(sent) <= _DIGITS_MAX):
        raise Refused("The webhook's timestamp is no number of seconds since 1970.")
    if abs(int(sent) - now_s) > TOLERANCE_S:
        raise Refused(f"The webhook was sent more than {TOLERANCE_S} s ago, or will be.")
    return int(sent)


def _require_one(given: Sequence[str], wanted: Sequence[str]) -> None:
    """Raise Refused unless one is as it should be; all are looked at."""
    fits = [
        hmac.compare_digest(one.encode("utf-8", "replace"), other.encode())
        for one in given
        for other in wanted
    ]
    if not any(fits):
        raise Refused("The webhook's signature fits none of the trigger's secrets.")


class _Fields(msgspec.Struct):
    id: str = ""
    event_id: str = ""
    type: str = ""


def _body_fields(body: bytes) -> dict[str, str]:
    try:
        return msgspec.structs.asdict(msgspec.json.decode(body, type=_Fields))
    except (msgspec.MsgspecError, RecursionError):
        return {}
