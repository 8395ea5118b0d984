"""Small forms that several resources share."""

from datetime import UTC, datetime
from typing import Annotated

import msgspec
from litestar.params import Parameter
from msgspec import Meta

from legato.core.errors import InvalidRequest
from legato.core.ids import is_id
from legato.core.money import NanoUSD, exact_usd

Title = Annotated[str, Meta(max_length=200)]
Id = Annotated[str, Parameter(description="32 hex digits.", max_length=64)]
_NS_PER_S = 1_000_000_000
_SECONDS_MAX = 2**63 // _NS_PER_S


class Form(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A body that callers send: fields we don't know are refused."""


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A body that we answer."""


def moment(at_ns: int) -> str:
    """Return a time as RFC 3339 in UTC, to the microsecond."""
    seconds, rest = divmod(at_ns, _NS_PER_S)
    whole = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{whole}.{rest // 1000:06d}Z"


def optional_moment(at_ns: int | None) -> str | None:
    """Return a time, or None for none."""
    return None if at_ns is None else moment(at_ns)


def moment_ns(text: str | None, field: str) -> int | None:
    """Read a time in RFC 3339, None for none. Raises InvalidRequest."""
    if text is None:
        return None
    msg = f"{field}: write a time with its zone, as 2026-08-06T12:00:00Z"
    try:
        parsed = datetime.fromisoformat(text)
        whole = int(parsed.replace(microsecond=0).timestamp())
    except (ValueError, OverflowError):
        raise InvalidRequest(msg, param=field) from None
    if parsed.tzinfo is None or not 0 <= whole < _SECONDS_MAX:
        raise InvalidRequest(msg, param=field)
    return whole * _NS_PER_S + parsed.microsecond * 1000


def usd(amount: int | None) -> str | None:
    """Return an amount in dollars, exactly; None where it isn't known."""
    return None if amount is None else exact_usd(NanoUSD(amount))


def known_id(text: str) -> str:
    """Return an id, or one that nothing has for what has no form of an id."""
    return text if is_id(text) else "-"
