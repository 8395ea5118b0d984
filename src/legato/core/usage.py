"""Usage: one canonical vector of disjoint token classes, whatever the vendor reports."""

from enum import StrEnum

import msgspec


class UsageSource(StrEnum):
    """Where a usage vector comes from. Estimated and reported never look alike."""

    PROVIDER = "provider"  # reported by the provider for this very attempt
    ESTIMATED = "estimated"  # complete answer without a usage report
    PARTIAL = "partial"  # cut off: what had been produced so far
    UNKNOWN = "unknown"  # the outcome was lost (crash, connection lost): an upper estimate
    CACHE = "cache"  # served from our cache: what the answer had cost when it was bought


class Unit(StrEnum):
    """What a model that isn't billed by tokens counts."""

    IMAGE = "image"
    CHARACTER = "character"  # of a text to be spoken
    AUDIO_MS = "audio_ms"  # of a recording to be written down
    SEARCH = "search"  # of a rerank


class Usage(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Tokens per disjoint class, which sum to the provider's total; and `units` beside them.

    What a unit is follows from the operation: it has one of its own, or none.
    """

    in_uncached: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    out_text: int = 0
    reasoning: int = 0
    audio_in: int = 0
    audio_out: int = 0
    image_in: int = 0
    image_out: int = 0
    units: int = 0

    @property
    def input_tokens(self) -> int:
        """All classes that were read by the model."""
        return (
            self.in_uncached
            + self.cache_read
            + self.cache_write_5m
            + self.cache_write_1h
            + self.audio_in
            + self.image_in
        )

    @property
    def output_tokens(self) -> int:
        """All classes that were written by the model."""
        return self.out_text + self.reasoning + self.audio_out + self.image_out

    @property
    def total_tokens(self) -> int:
        """Input and output."""
        return self.input_tokens + self.output_tokens


NO_USAGE = Usage()
USAGE_CLASSES = Usage.__struct_fields__
TOKEN_CLASSES = USAGE_CLASSES[:-1]
