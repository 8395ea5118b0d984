"""Handing a batch to its provider once, though no provider promises that.

Before anything is sent, the run records who is about to and when. Whoever finds another's record,
or was cut while sending, looks for the batch first: it may be there. It isn't taken for absent
before whatever was under way has arrived.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from legato.core.errors import (
    LegatoError,
    ProviderRateLimited,
    ProviderRefusesCredentials,
    ProviderRejected,
)
from legato.providers.batching import Search
from legato.storage.batches import BatchRecord
from legato.workflows.native_lane import OpenLane

_ARRIVES_NS: Final = 15 * 1_000_000_000
"""A provider may still carry out a request whose sender is gone."""
_REFUSALS: Final = (ProviderRejected, ProviderRateLimited, ProviderRefusesCredentials)


class Submissions:
    """What this process, or one before it, may have sent. `life` names this process alone."""

    def __init__(self, now_ns: Callable[[], int], life: str) -> None:
        self._now_ns = now_ns
        self._life = life
        self._searches: dict[str, Search] = {}

    def intent(self, lines: int) -> dict[str, Any]:
        """Return what is to be recorded before a batch of so many lines is sent."""
        return {"life": self._life, "lines": lines, "since_ns": self._now_ns()}

    def maybe_sent(self, batch_id: str, intent: dict[str, Any]) -> bool:
        """Whether the batch may be at the provider, by all that is known here."""
        return batch_id in self._searches or intent.get("life") != self._life

    def find(self, lane: OpenLane, batch_id: str, intent: dict[str, Any]) -> str | None:
        """Return the provider's id of a batch, "" where there is none; None: ask again.

        Raises:
            UpstreamError: the provider can't be asked.
        """
        if not self.maybe_sent(batch_id, intent):
            return ""
        search = self._searches.get(batch_id) or self._seek(batch_id, intent)
        found = lane.batcher.find(lane.send, search)
        return None if found == "" and self._now_ns() < search.until_ns else found

    def send(
        self, lane: OpenLane, record: BatchRecord, intent: dict[str, Any], lines: Sequence[bytes]
    ) -> str:
        """Submit a batch that isn't there; return the provider's id. Raises UpstreamError."""
        self._seek(record.id, intent)
        try:
            endpoint = lane.endpoint(record.endpoint)
            return lane.batcher.submit(lane.send, record.id, endpoint, lines)
        except LegatoError as error:
            if isinstance(error, _REFUSALS):  # an answer, so it is known that nothing was made
                self._searches.pop(record.id)
            else:
                self._seek(record.id, intent)
            raise

    def forget(self, batch_id: str) -> None:
        """Take back what is kept of a batch whose submission is recorded."""
        self._searches.pop(batch_id, None)

    def _seek(self, batch_id: str, intent: dict[str, Any]) -> Search:
        """Search for what may have been sent until now."""
        search = Search(
            mark=batch_id,
            lines=intent.get("lines", 0),
            since_ns=intent.get("since_ns", 0),
            until_ns=self._now_ns() + _ARRIVES_NS,
        )
        self._searches[batch_id] = search
        return search
