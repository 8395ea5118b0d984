"""Requests as they were recorded, and more of them than there were."""

from collections.abc import Sequence
from enum import StrEnum
from itertools import chain
from typing import Final

import msgspec
from msgspec.structs import replace

from legato.core.usage import NO_USAGE, Usage
from legato.replay.twin.dice import uniform

US_PER_S: Final = 1_000_000
_SHIFTS: Final = 11  # streams of random numbers of their own
_THINNING: Final = 12


class RecordedAttempt(msgspec.Struct, frozen=True, gc=False):
    """One attempt as the ledger has it. `status` is `ok` or an error's code.

    `is_last` says that a failure ended the request: part of the answer had gone out.
    """

    deployment: str
    status: str
    usage: Usage
    price_version: str
    total_us: int
    is_last: bool = False


class Recorded(msgspec.Struct, frozen=True, gc=False):
    """What became of a request for real. `cost` is nano-USD of all its entries."""

    error_code: str  # "" where it was answered
    cost: int
    unpriced: int
    total_us: int  # 0 where no trace of it is kept
    deployment: str
    fell_back: bool


class Request(msgspec.Struct, frozen=True, gc=False):
    """One request. `at_us` counts from the traffic's start, `usage` is its answer's.

    `refused_as` is the code of a refusal that no other world would take back (a body that is
    wrong, a name that nothing has). `prompt` is a hash of the whole prompt, 0 for none.
    `is_guessed` says that its answer is drawn from others, since it never had one.
    """

    at_us: int
    name: str  # an alias, or a deployment's
    usage: Usage = NO_USAGE
    org: str = "default"
    team: str = ""
    feature: str = ""
    key_id: str = ""
    user: str = ""
    unit: str = ""
    attempts: tuple[RecordedAttempt, ...] = ()
    from_cache: bool = False
    refused_as: str = ""
    overhead_us: int = 0
    prompt: int = 0
    is_guessed: bool = False
    recorded: Recorded | None = None


class Copies(StrEnum):
    """How the copies of more traffic are laid over each other."""

    SHIFTED = "shifted"
    TOGETHER = "together"


class Load(msgspec.Struct, frozen=True):
    """How much more traffic: `factor` times the arrivals.

    Whole copies are laid over each other, a part of one is thinned: each of its requests is kept
    with that probability. `shifted` moves each copy round the period by its own random span of at
    most `shift_max_s`: what is bursty within a copy stays so, and the variance of counts grows with
    their mean as for independent crowds of callers. `together` moves none further than a second:
    every burst grows by the factor, the worst case.
    """

    factor: float = 1.0
    copies: Copies = Copies.SHIFTED
    shift_max_s: float = 3600.0


def more(requests: Sequence[Request], load: Load, span_us: int, seed: int) -> list[Request]:
    """Return the traffic of a load, by arrival; the first copy is the recorded one, unmoved.

    `span_us` is the length of the period. Users of a copy are other users; keys stay.
    """
    if load.factor == 1:
        return list(requests)
    whole = int(load.factor)
    parts = [_copy(requests, load, span_us, (seed, number)) for number in range(whole)]
    share = load.factor - whole
    if share > 0:
        rest = _copy(requests, load, span_us, (seed, whole))
        parts.append([one for n, one in enumerate(rest) if uniform(seed, _THINNING, n) < share])
    return sorted(chain.from_iterable(parts), key=lambda request: request.at_us)


def _copy(
    requests: Sequence[Request], load: Load, span_us: int, origin: tuple[int, int]
) -> list[Request]:
    seed, number = origin
    if number == 0:
        return list(requests)
    most_us = load.shift_max_s * US_PER_S if load.copies is Copies.SHIFTED else US_PER_S
    shift_us = int(uniform(seed, _SHIFTS, number) * min(most_us, span_us))
    return [
        replace(
            request,
            at_us=(request.at_us + shift_us) % max(1, span_us),
            user=f"{request.user}#{number}" if request.user else "",
            recorded=None,
        )
        for request in requests
    ]
