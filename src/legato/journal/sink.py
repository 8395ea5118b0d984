"""What the ingester needs of the ledger; storage implements it, `app` joins the two."""

from typing import Protocol


class SinkUnavailable(Exception):
    """The database is away or busy. The ingester keeps its place and comes again."""


class LedgerSink(Protocol):
    """The ledger of one data directory. Each method is one transaction and idempotent.

    All raise SinkUnavailable, after which nothing is known of the call's effect: the ingester
    then asks for the offsets again.
    """

    def offsets(self) -> dict[str, int]:
        """Return the committed byte offset of each segment ("<writer>/<NNNNNNNN>") known."""

    def commit(self, segment: str, offset: int, payloads: list[bytes]) -> None:
        """Store the payloads' rows and the segment's new offset, together.

        A payload the sink can't read must be set aside by it, not raised: it would come again.
        """

    def writer_finished(self, writer: str) -> None:
        """Close the orphans of a dead writer as unknown and return its leases.

        Called once every frame of the writer is committed; again after a crash.
        """

    def forget_segment(self, segment: str) -> None:
        """Drop the offset of a segment whose file is gone."""
