"""Samples of what rules found, opened: what people judge, and what their judgements say."""

from typing import Final, Protocol

import msgspec

from legato.core.errors import InvalidRequest
from legato.core.guard_samples import (
    Excerpt,
    Judgement,
    Sample,
    decode_excerpt,
    excerpt_context,
    reason_context,
)
from legato.guardrails.policy.precision import Judged, Precision, precision
from legato.storage.kept.guard_samples import GuardSampleStore, SampleFilter, StoredSample

REASON_MAX: Final = 2_000


class Sealing(Protocol):
    """Seals and opens what belongs to an organisation; may block."""

    def seal(self, org: str, data: bytes, context: bytes) -> bytes:
        """Encrypt."""
        ...

    def open(self, org: str, sealed: bytes, context: bytes) -> bytes:
        """Decrypt. Raises ValueError for anything altered or bound to another context."""
        ...


class ShownSample(msgspec.Struct, frozen=True):
    """A sample with its excerpt, None where no text is kept or it can't be opened any more."""

    sample: Sample
    judgement: Judgement
    excerpt: Excerpt | None


class ShownJudgement(msgspec.Struct, frozen=True):
    """What somebody said of one."""

    at_ns: int
    actor: str
    judgement: Judgement
    reason: str


Key = tuple[str, str, str]
"""A policy's name, its rule and a label."""


class GuardSamples:
    """One organisation's. Blocking; methods may raise StorageUnavailable and VaultUnusable."""

    def __init__(self, org: str, store: GuardSampleStore, sealing: Sealing) -> None:
        self._org = org
        self._store = store
        self._sealing = sealing

    def page(
        self, count: int, before_id: str | None = None, wanted: SampleFilter | None = None
    ) -> list[ShownSample]:
        """Return up to `count`, newest first."""
        return [self._shown(one) for one in self._store.page(count, before_id, wanted)]

    def get(self, sample_id: str) -> tuple[ShownSample, list[ShownJudgement]]:
        """Return one and what was said of it. Raises NotFound."""
        found, said = self._store.get(sample_id)
        context = reason_context(sample_id)
        told = [
            ShownJudgement(one.at_ns, one.actor, one.judgement, self._text(one.sealed, context))
            for one in said
        ]
        return self._shown(found), told

    def judge(self, sample_id: str, judgement: Judgement, actor: str, reason: str) -> ShownSample:
        """Keep what somebody says of one.

        Raises:
            InvalidRequest: a rejection has no reason.
            NotFound: there is none.
            Conflict: it is judged in this way already.
        """
        told = reason.strip()[:REASON_MAX]
        if judgement is Judgement.REJECTED and not told:
            self._store.get(sample_id)  # whose it is comes first
            raise InvalidRequest("a rejection needs its reason", param="reason")
        sealed = b""
        if told:  # a reason may quote the text
            sealed = self._sealing.seal(self._org, told.encode(), reason_context(sample_id))
        return self._shown(self._store.judge(sample_id, judgement, actor, sealed))

    def precisions(self) -> dict[Key, Precision]:
        """Return how often rules were right, by rule and label, where anything is judged."""
        counted: dict[Key, dict[Judgement, int]] = {}
        for one in self._store.counts():
            counted.setdefault((one.policy, one.rule, one.label), {})[one.judgement] = one.count
        found = {
            key: precision(counts.get(Judgement.CONFIRMED, 0), counts.get(Judgement.REJECTED, 0))
            for key, counts in counted.items()
        }
        return {key: one for key, one in found.items() if one is not None}

    def judged(self, policy: str, rule: str) -> list[Judged]:
        """Return what was judged of a rule, for its threshold."""
        return [
            Judged(one.sample.score, one.sample.at_least, one.judgement is Judgement.CONFIRMED)
            for one in self._store.judged(policy, rule)
        ]

    def _shown(self, one: StoredSample) -> ShownSample:
        excerpt = None
        if one.sealed:
            try:
                opened = self._sealing.open(self._org, one.sealed, excerpt_context(one.sample.id))
                excerpt = decode_excerpt(opened)
            except ValueError:  # its key was destroyed: nobody reads it any more
                excerpt = None
        return ShownSample(one.sample, one.judgement, excerpt)

    def _text(self, sealed: bytes, context: bytes) -> str:
        try:
            return self._sealing.open(self._org, sealed, context).decode() if sealed else ""
        except ValueError:
            return ""
