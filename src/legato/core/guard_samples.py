"""Samples of what rules found, for people to confirm or reject."""

from enum import StrEnum
from typing import Final

import msgspec


class Judgement(StrEnum):
    """What a person says of a find."""

    OPEN = ""
    CONFIRMED = "confirmed"
    """It was what its label says."""
    REJECTED = "rejected"
    """It was something else: a false alarm."""


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One find of one rule, without the text."""

    id: str
    at_ns: int
    expires_at_ns: int
    text_until_ns: int
    """Until when its text may be kept; 0 where none is."""
    org: str
    request_id: str
    end_user: str
    policy: str
    version: str
    rule: str
    label: str
    detector: str
    action: str
    mode: str
    place: str
    pointer: str
    first: int
    """Where it begins, in characters of the text there."""
    last: int
    """The first character behind it."""
    score: float
    at_least: float
    """The score that the rule asked for then."""
    point: int
    """Drawn at random: of too many, those with the lowest stay."""


class Excerpt(msgspec.Struct, frozen=True, array_like=True):
    """The text around a find; labels stand for what must not be kept."""

    before: str
    found: str
    after: str


POINT_BITS: Final = 62
encode_excerpt: Final = msgspec.msgpack.Encoder().encode
decode_excerpt: Final = msgspec.msgpack.Decoder(Excerpt).decode


def excerpt_context(sample_id: str) -> bytes:
    """Return what a sealed excerpt is bound to."""
    return b"guard sample\x00" + sample_id.encode()


def reason_context(sample_id: str) -> bytes:
    """Return what a sealed reason is bound to."""
    return b"guard reason\x00" + sample_id.encode()
