"""What stood for redacted values of a request, where a policy keeps it: stored only sealed."""

from typing import Final

import msgspec


class MapHead(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a kept map beside its values."""

    org: str
    request_id: str
    end_user: str
    at_ns: int
    expires_at_ns: int
    policies: tuple[str, ...]
    """The versions of those that keep it."""
    who: tuple[str, ...] | None
    """Names of the keys that may read it; None for whichever has the permission."""
    count: int


Values = dict[str, str]
"""Values, by what stands for them."""
encode_values: Final = msgspec.msgpack.Encoder().encode
decode_values: Final = msgspec.msgpack.Decoder(Values).decode


def map_context(request_id: str) -> bytes:
    """Return what sealed values are bound to."""
    return b"redaction map\x00" + request_id.encode()


def reading_context(request_id: str) -> bytes:
    """Return what the sealed reason of a reading is bound to."""
    return b"redaction map read\x00" + request_id.encode()
