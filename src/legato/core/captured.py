"""Captured requests: what a policy lets be kept of who asked what and got which answer.

The head is stored as columns, the content only sealed.
"""

from hashlib import blake2b
from typing import Final

import msgspec

POINTS: Final = 1_000_000
"""Requests are sampled by a point below this, which their id decides."""


class CapturedHead(msgspec.Struct, frozen=True, array_like=True, gc=False, kw_only=True):
    """What is known of a captured request beside its content. Costs are nano-USD."""

    request_id: str
    at_ns: int  # arrival
    expires_at_ns: int
    org: str
    team: str
    feature: str
    key_id: str
    end_user: str  # keyed pseudonym, "" when the caller named none
    tags: dict[str, str]
    surface: str
    model_requested: str
    route: str
    deployment: str  # "" where none answered
    model_served: str
    versions: str
    arm: str
    http_status: int
    error_code: str
    stream: bool
    cache: str
    cost: int | None
    baseline_cost: int | None
    input_tokens: int
    output_tokens: int
    total_us: int


class CapturedContent(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What was sent and answered, as bytes: what is sealed is this as MessagePack."""

    request: bytes
    """The caller's body as it came, JSON."""
    rendered: bytes
    """What it became where a prompt was put before it or a conversation continued; else empty."""
    answer: bytes
    """The caller's answer: JSON, or where `frames` the stream's events. Empty where none came."""
    frames: bool
    complete: bool = True
    """False where a part was larger than the policy's limit and is left out."""


def sample_point(request_id: str) -> int:
    """Return a request's place among `POINTS`: the same for whoever asks."""
    digest = blake2b(request_id.encode(), digest_size=8, person=b"capture").digest()
    return int.from_bytes(digest, "big") * POINTS >> 64


def sealing_context(request_id: str) -> bytes:
    """Return what a captured content is bound to."""
    return b"capture\x00" + request_id.encode()


encode_content = msgspec.msgpack.Encoder().encode
decode_content = msgspec.msgpack.Decoder(CapturedContent).decode
