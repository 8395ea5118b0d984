"""A data key as it is stored: never in the clear."""

import msgspec


class WrappedKey(msgspec.Struct, frozen=True, kw_only=True):
    """One version of an organisation's data key; `org` is "" for the instance's own."""

    id: str  # 32 hex digits
    org: str
    version: int
    master_id: str
    wrapped: bytes
    created_at_ns: int

    @property
    def context(self) -> bytes:
        """What a wrapped key is bound to: it can't stand in for another."""
        return f"legato data key\x00{self.id}\x00{self.org}\x00{self.version}".encode()
