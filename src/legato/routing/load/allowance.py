"""How much a provider will still take, from what it said or from what was declared."""

from typing import NamedTuple

WINDOW_S = 60.0
RESERVE = 0.02
"""Share of a limit left to those who use the same account past this gateway."""


class Reading(NamedTuple):
    """One kind of allowance (requests or tokens) as an answer's headers stated it.

    `limit` is 0 where it wasn't stated; `full_in_s` is when all of it is there again.
    """

    limit: float
    left: float
    full_in_s: float


def left_now(said: Reading, age_s: float) -> float:
    """Return what is left so long after it was said.

    Allowances refill bit by bit until they are full (a token bucket, as OpenAI and Anthropic
    describe theirs); where the limit isn't known, nothing comes back before `full_in_s`.
    """
    if age_s >= said.full_in_s:
        return max(said.limit, said.left) if said.limit else float("inf")
    if said.limit <= said.left:
        return said.left
    return said.left + (said.limit - said.left) * age_s / said.full_in_s


def is_near(said: Reading, age_s: float, spent: float, need: float) -> bool:
    """Tell whether `need` more may be too much; `spent` has gone since it was said.

    What asks for more than half of the limit is measured as half: else it would wait forever.
    """
    if said.limit:
        need = min(need, said.limit / 2)
    return left_now(said, age_s) - spent - said.limit * RESERVE < need


class Counted(NamedTuple):
    """What was used in this minute and in the one before it."""

    now: float
    before: float


def wait_s(counted: Counted, passed_s: float, limit: float, need: float) -> float:
    """Return in how many seconds `need` more fits into a sliding minute; 0 for now.

    Of this minute `passed_s` have passed; the last one weighs less the longer it is over (a
    sliding window counter).
    """
    now, before = counted
    need = min(need, limit)
    passed = passed_s / WINDOW_S
    if now + before * (1.0 - passed) + need <= limit:
        return 0.0
    if now + need <= limit:
        return (1.0 - (limit - need - now) / before - passed) * WINDOW_S
    over = 1.0 - (limit - need) / now
    return (1.0 - passed + over) * WINDOW_S
