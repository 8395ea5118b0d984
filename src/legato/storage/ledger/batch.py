"""One batch of journal records, decoded and sorted by what the ledger does with each."""

from collections.abc import Iterable
from hashlib import sha256
from typing import NamedTuple

import msgspec

from legato.core.records import ArmOutcome, Progress, RouteKnown, Settled, ShadowOutcome, Voided

Attempt = tuple[str, int]
"""(request_id, attempt)"""


class _FactsHead(msgspec.Struct, frozen=True, array_like=True, gc=False):
    request_id: str
    attempt: int


class IntentHead(msgspec.Struct, frozen=True, array_like=True, tag="i", gc=False):
    """The start of an Intent. The rest stays encoded: most end in the batch that brings them."""

    facts: _FactsHead
    at_ns: int


class ServedHead(msgspec.Struct, frozen=True, array_like=True, tag="r", gc=False):
    """The start of a Served, which is kept as it came."""

    request_id: str
    at_ns: int
    org: str


_decode = msgspec.msgpack.Decoder(
    IntentHead | Progress | Settled | Voided | ServedHead | ArmOutcome | RouteKnown | ShadowOutcome
).decode


class Undecodable(NamedTuple):
    """A payload that is no record this code can read or store; kept, so it can be later."""

    digest: str
    reason: str
    payload: bytes


class Batch:
    """What a batch of payloads says, independent of the order it says it in."""

    __slots__ = (
        "intents",
        "outcomes",
        "progress",
        "routes",
        "served",
        "settled",
        "shadows",
        "undecodable",
        "voided",
    )

    def __init__(self) -> None:
        self.intents: dict[Attempt, tuple[IntentHead, bytes]] = {}
        self.progress: dict[Attempt, tuple[Progress, bytes]] = {}
        self.settled: dict[tuple[str, int, str, int], Settled] = {}
        self.voided: dict[Attempt, Voided] = {}
        self.served: list[tuple[ServedHead, bytes]] = []
        self.outcomes: list[ArmOutcome] = []
        self.routes: list[RouteKnown] = []
        self.shadows: list[ShadowOutcome] = []
        self.undecodable: list[Undecodable] = []

    def request_ids(self) -> list[str]:
        """Return the requests whose attempts this batch touches."""
        ids = {identity[0] for identity in self.settled}
        for attempts in (self.intents, self.progress, self.voided):
            ids.update(attempt[0] for attempt in attempts)
        return list(ids)

    def ended(self) -> set[Attempt]:
        """Return the attempts that end in this batch."""
        return {identity[:2] for identity in self.settled} | self.voided.keys()

    def add(self, payload: bytes) -> None:
        """Sort one record in; ValueError (msgspec.DecodeError) for what is none."""
        record = _decode(payload)
        if isinstance(record, Settled):
            facts = record.facts
            identity = (facts.request_id, facts.attempt, str(record.kind), record.seq)
            self.settled.setdefault(identity, record)
        elif isinstance(record, ServedHead):
            self.served.append((record, payload))
        elif isinstance(record, IntentHead):
            attempt = (record.facts.request_id, record.facts.attempt)
            self.intents.setdefault(attempt, (record, payload))
        elif isinstance(record, ArmOutcome):
            self.outcomes.append(record)
        elif isinstance(record, RouteKnown):
            self.routes.append(record)
        elif isinstance(record, ShadowOutcome):
            self.shadows.append(record)
        elif isinstance(record, Progress):
            self._add_progress(record, payload)
        else:
            self.voided.setdefault((record.request_id, record.attempt), record)

    def _add_progress(self, record: Progress, payload: bytes) -> None:
        # The furthest one counts, wherever it stands: a replay may bring an earlier one last.
        attempt = (record.request_id, record.attempt)
        known = self.progress.get(attempt)
        if known is None or known[0].estimate.total_tokens < record.estimate.total_tokens:
            self.progress[attempt] = (record, payload)


def read_batch(payloads: Iterable[bytes]) -> Batch:
    """Decode payloads; the unreadable ones are set apart and cost the others nothing."""
    batch = Batch()
    add = batch.add
    for payload in payloads:
        try:
            add(payload)
        except ValueError as error:  # msgspec's errors and broken UTF-8
            batch.undecodable.append(undecodable(payload, str(error)))
    return batch


def undecodable(payload: bytes, reason: str) -> Undecodable:
    """Set a payload apart."""
    return Undecodable(sha256(payload).hexdigest(), reason[:200], payload)
