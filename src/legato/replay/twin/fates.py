"""What becomes of one attempt: as recorded, as the world has it, else drawn."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import msgspec
from msgspec.structs import replace

from legato.core.errors import (
    ProviderRateLimited,
    ProviderTimeout,
    ProviderUnavailable,
    UpstreamError,
)
from legato.core.usage import NO_USAGE, Usage
from legato.replay.twin.traffic import RecordedAttempt, Request
from legato.replay.twin.world import Outage, Place

TIMED_OUT: Final = ProviderTimeout.code
LOST: Final = "connection_lost"


def _errors() -> Mapping[str, UpstreamError]:
    kinds = UpstreamError.__subclasses__()
    found = {kind.code: kind("") for kind in kinds}
    return MappingProxyType({**found, LOST: ProviderUnavailable("")})


ERRORS: Final = _errors()
"""What the gateway would raise, by the status of an attempt."""


class Fate(msgspec.Struct, frozen=True, gc=False):
    """How an attempt ends: `code` is "" for an answer, times count from its start.

    `is_last` ends the request with it; `past_deadline` says that the route's time was up.
    """

    code: str
    usage: Usage
    total_us: int
    first_us: int = 0
    version: str = ""
    is_last: bool = False
    past_deadline: bool = False


NO_ROOM: Final = Fate(ProviderRateLimited.code, NO_USAGE, 0)


def fate_of(
    place: Place, request: Request, chance: Callable[[int], float], *, made: int, now_us: int
) -> Fate:
    """Return the fate of a request's attempt at a place.

    `made` counts the attempts before it there; `chance` gives the number in [0, 1) for a purpose.
    What was recorded of this request at this place happens again, unless an outage strikes.
    """
    for outage in place.outages:
        struck = outage.from_us <= now_us < outage.to_us
        if struck and (outage.share >= 1 or chance(0) < outage.share):
            return _struck(outage, place, request)
    known = _recorded(request, place.name, made)
    if known is not None and known.status != "ok":
        return Fate(
            known.status, known.usage, known.total_us, 0, known.price_version, known.is_last
        )
    if known is None and place.failures.share > chance(1):
        code, took_us = place.failures.seen[int(chance(2) * len(place.failures.seen))]
        return Fate(code, NO_USAGE, took_us)
    usage = request.usage if known is None else known.usage
    if place.output_factor != 1:
        usage = _longer(usage, place.output_factor)
    took = place.times.draw(chance(3), usage.input_tokens)
    return Fate(
        "",
        usage,
        took.total_us(usage.output_tokens),
        round(took.first_us),
        "" if known is None else known.price_version,
    )


def within(fate: Fate, place: Place, request: Request, *, first_us: int, left_us: int) -> Fate:
    """Return a fate as the limits of time leave it.

    `first_us` is left for the first byte, `left_us` until the deadline over all attempts. What is
    cut before its first byte is charged the upper estimate, as the gateway settles it.
    """
    slow = not fate.code and fate.first_us > first_us
    if slow and first_us <= left_us:
        return Fate(TIMED_OUT, upper_estimate(place, request), max(0, first_us))
    if fate.total_us <= left_us:
        return fate
    left_us = max(0, left_us)
    if fate.code or fate.first_us > left_us:
        usage = fate.usage if fate.code else upper_estimate(place, request)
    else:
        part = (left_us - fate.first_us) / max(1, fate.total_us - fate.first_us)
        usage = _longer(fate.usage, part)
    return Fate(TIMED_OUT, usage, left_us, fate.first_us, fate.version, past_deadline=True)


def upper_estimate(place: Place, request: Request) -> Usage:
    """Return what an attempt is charged whose outcome is lost; a caller's maximum isn't known."""
    return Usage(in_uncached=request.usage.input_tokens, out_text=place.max_output_tokens)


def _struck(outage: Outage, place: Place, request: Request) -> Fate:
    if outage.kind == "timeout":
        return Fate(TIMED_OUT, upper_estimate(place, request), place.first_byte_us)
    limited = outage.kind == "rate_limited"
    code = ProviderRateLimited.code if limited else ProviderUnavailable.code
    return Fate(code, NO_USAGE, outage.after_us)


def _recorded(request: Request, name: str, made: int) -> RecordedAttempt | None:
    """Return the record of the same attempt; who answered it once answers it again."""
    there = [one for one in request.attempts if one.deployment == name]
    if made < len(there):
        return there[made]
    return there[-1] if there and there[-1].status == "ok" else None


def _longer(usage: Usage, factor: float) -> Usage:
    return replace(
        usage,
        out_text=round(usage.out_text * factor),
        reasoning=round(usage.reasoning * factor),
        audio_out=round(usage.audio_out * factor),
        image_out=round(usage.image_out * factor),
    )
