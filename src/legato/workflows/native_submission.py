"""Handing a batch to its provider once, though no provider promises that.

Whoever is about to holds a claim, a lease in our own database, and renews it in the moment before
each request that changes anything. Whoever finds another's claim waits until it has lapsed, takes
it over, and then looks for the batch at the provider: it may be there. It isn't taken for absent
before whatever was under way has arrived. Who slept meanwhile can't renew, and so sends nothing.

What remains is a process that stops after it has renewed and before its request has gone, for
longer than the claim and the search last. Where it goes out all the same, that process finds its
claim lost as soon as it is answered, and cancels its batch.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from legato.core.errors import (
    LegatoError,
    ProviderRateLimited,
    ProviderRefusesCredentials,
    ProviderRejected,
)
from legato.providers.batching import BatchCall, BatchReply, Search, Send
from legato.storage.runs.batches import BatchRecord
from legato.workflows.native_lane import OpenLane

_ARRIVES_NS: Final = 15 * 1_000_000_000
"""A provider may still carry out a request whose sender is gone."""
_CLAIM_NS: Final = 5 * 1_000_000_000
_UPLOAD_BYTES_PER_S: Final = 256 * 1024
"""A claim lasts for the upload of what is sent, too, at this pace."""
_NS_PER_S: Final = 1_000_000_000
_REFUSALS: Final = (ProviderRejected, ProviderRateLimited, ProviderRefusesCredentials)


class Claims(Protocol):
    """The leases: see `legato.storage.runs.batch_claims`."""

    def take(self, org: str, batch_id: str, holder: str, lasts_ns: int) -> bool:
        """Claim a batch that nobody holds any more; return whether it is this holder's."""
        ...

    def renew(self, org: str, batch_id: str, holder: str, lasts_ns: int) -> bool:
        """Make a claim last from now on; return whether it still is this holder's."""
        ...

    def settle(self, org: str, batch_id: str, holder: str, provider_batch: str) -> str | None:
        """Record an outcome; return the first one, None while another's is to come."""
        ...

    def outcome(self, org: str, batch_id: str) -> str | None:
        """Return what is recorded."""
        ...

    def forget(self, org: str, batch_id: str) -> None:
        """Delete what is kept of a batch that is over."""
        ...


class TakenOver(Exception):
    """Another holds the claim: nothing may be done any more."""


class Claim:
    """One try to hand in a batch, under a name of its own."""

    def __init__(self, claims: Claims, org: str, batch_id: str, holder: str) -> None:
        self._claims = claims
        self._org = org
        self._batch_id = batch_id
        self._holder = holder

    def take(self) -> bool:
        """Return whether it is ours; where another's hasn't lapsed, ask again."""
        return self._claims.take(self._org, self._batch_id, self._holder, _CLAIM_NS)

    def keep(self, upload_bytes: int = 0) -> None:
        """Let it last from now on. Raises TakenOver."""
        lasts_ns = _CLAIM_NS + upload_bytes * _NS_PER_S // _UPLOAD_BYTES_PER_S
        if not self._claims.renew(self._org, self._batch_id, self._holder, lasts_ns):
            raise TakenOver

    def guarded(self, send: Send) -> Send:
        """Return what sends nothing but questions once the claim is lost. Raises TakenOver."""

        def guarded(call: BatchCall) -> BatchReply:
            if call.method != b"GET":
                self.keep(len(call.body))
            return send(call)

        return guarded

    def settle(self, sent: str) -> str | None:
        """Record the provider's id of the batch, "" for none; return what is to be taken for it.

        None: another holds the claim and has not come to an end yet.
        """
        return self._claims.settle(self._org, self._batch_id, self._holder, sent)

    def outcome(self) -> str | None:
        """Return what another recorded."""
        return self._claims.outcome(self._org, self._batch_id)


class Submissions:
    """What this process, or one before it, may have sent. `life` names this process alone."""

    def __init__(
        self, claims: Claims, now_ns: Callable[[], int], life: str, new_id: Callable[[], str]
    ) -> None:
        self._claims = claims
        self._now_ns = now_ns
        self._life = life
        self._new_id = new_id
        self._searches: dict[str, Search] = {}

    def intent(self, lines: int) -> dict[str, Any]:
        """Return what is to be recorded before a batch of so many lines is sent."""
        return {"life": self._life, "lines": lines, "since_ns": self._now_ns()}

    def claim(self, org: str, batch_id: str) -> Claim:
        """Begin a try."""
        return Claim(self._claims, org, batch_id, self._new_id())

    def maybe_sent(self, batch_id: str, intent: dict[str, Any]) -> bool:
        """Whether the batch may be at the provider, by all that is known here."""
        return batch_id in self._searches or intent.get("life") != self._life

    def find(self, lane: OpenLane, batch_id: str, intent: dict[str, Any]) -> str | None:
        """Return the provider's id of a batch, "" where there is none; None: ask again.

        Call it with the claim taken: what another may send ends with its own.

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
        """Submit a batch that isn't there, through a lane whose `send` is guarded.

        Return the provider's id. Raises UpstreamError, TakenOver.
        """
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
        """Take back what is kept here of a batch whose submission is recorded."""
        self._searches.pop(batch_id, None)

    def over(self, org: str, batch_id: str) -> None:
        """Take back what is kept of a batch that nobody will hand in any more."""
        self._claims.forget(org, batch_id)

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
