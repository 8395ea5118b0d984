"""Keeps samples of finds from a worker: sealed and written behind it.

A sample may be lost where more come than can be written: nothing is decided by one that isn't
there.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from msgspec.structs import replace

from legato.app.guards.write_behind import WriteBehind
from legato.core.guard_samples import Excerpt, encode_excerpt, excerpt_context
from legato.core.guarding import Finding
from legato.gateway.guards.sampling import SampleOffer
from legato.guardrails.labelling import labelled
from legato.storage.kept.guard_samples import GuardSampleIntake, SealedSample

_CONTEXT_CHARS: Final = 80
_FOUND_CHARS_MAX: Final = 400
Seal = Callable[[str, bytes, bytes], bytes]
SampleQueue = WriteBehind[SampleOffer]


def sample_queue(per_rule: int, intake: GuardSampleIntake, seal: Seal) -> SampleQueue | None:
    """Return what samples go to; None where none are kept."""

    def write(offers: Sequence[SampleOffer]) -> None:
        intake.put([_sealed(one, seal) for one in offers])

    if not per_rule:
        return None
    return WriteBehind("samples of guardrails", write, lambda one: len(one.text))


def _sealed(offer: SampleOffer, seal: Seal) -> SealedSample:
    sample = offer.sample
    if not offer.text:
        return SealedSample(sample, b"")
    text = encode_excerpt(excerpt_of(offer))
    return SealedSample(sample, seal(sample.org, text, excerpt_context(sample.id)))


def excerpt_of(offer: SampleOffer) -> Excerpt:
    """Return what is kept of a text; what is masked is found in all of it, then cut."""
    text, first, last = offer.text, offer.sample.first, offer.sample.last
    masked = list(offer.masked)
    if offer.labelled:
        from legato.guardrails.scanning import structured  # noqa: PLC0415 - with a policy only

        masked += structured().find(text)
    shown = min(last, first + _FOUND_CHARS_MAX)
    parts = ((max(0, first - _CONTEXT_CHARS), first), (first, shown), (last, last + _CONTEXT_CHARS))
    return Excerpt(*(_cut(text, start, end, masked) for start, end in parts))


def _cut(text: str, start: int, end: int, masked: Iterable[Finding]) -> str:
    part = text[start:end]
    within = (
        replace(one, start=max(0, one.start - start), end=min(len(part), one.end - start))
        for one in masked
        if one.start < end and one.end > start
    )
    return labelled(part, within)
