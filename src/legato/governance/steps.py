"""What budgets do to a call before the wall: tell of it, have it answered cheaper, let it wait."""

from typing import NamedTuple

from legato.core.budget import FULL_PERCENT, Does
from legato.core.leases import LimitKind
from legato.core.money import NanoUSD, exact_usd
from legato.governance.coverage import Cover
from legato.governance.events import BudgetEvents
from legato.governance.purses import Purse

_NS_PER_S = 1_000_000_000


class StepsTaken(NamedTuple):
    """What has been reached of all that covers a call."""

    told: bytes  # the header's value, b"" for nothing
    degrade_to: str  # a route or deployment, "" for none
    budget: str  # whose step that is
    queue: bool
    may_queue: bool  # whether one of them has such a step, reached or not


def steps_of(cover: Cover, events: BudgetEvents, now_ns: int) -> StepsTaken | None:
    """Return what the budgets that cover a call have come to; None where that changes nothing.

    A step that let calls wait matters below its mark, too: they may have begun to before the reset.
    """
    told: list[bytes] = []
    degrade_to = budget = ""
    queue = reached = False
    may_queue = any(step.do is Does.QUEUE for purse in cover.watched for step in purse.told.steps)
    for purse in cover.watched:
        hundredfold, limit = purse.used * FULL_PERCENT, purse.limit.limit
        for step in purse.told.steps:
            if hundredfold < step.at_percent * limit:
                break  # they stand in order
            reached = True
            if step.do is Does.WARN:
                told = [*told, _told(purse, now_ns)] if _told(purse, now_ns) not in told else told
                if purse.limit.kind is LimitKind.RATE:  # the ledger tells of all others
                    events.reached(purse, step.do, step.at_percent)
            else:
                events.reached(purse, step.do, step.at_percent)
            if step.do is Does.DEGRADE:
                degrade_to, budget = step.to, purse.told.name
            queue = queue or step.do is Does.QUEUE
    if not reached and not may_queue:
        return None
    return StepsTaken(b", ".join(told), degrade_to, budget, queue, may_queue)


def _told(purse: Purse, now_ns: int) -> bytes:
    left = max(0, purse.limit.limit - purse.used)
    kind = purse.limit.kind
    if kind is LimitKind.BUDGET:
        figures = f"remaining={exact_usd(NanoUSD(left))}; unit=usd"
    else:
        figures = f"remaining={left}; unit={'tokens' if kind is LimitKind.TOKENS else 'requests'}"
    told = f"{_token(purse.told.name)}; {figures}"
    resets_ns = purse.resets_at_ns
    if purse.known is not None and purse.known.resets_at_ns is not None and resets_ns > now_ns:
        told += f"; resets={-(-(resets_ns - now_ns) // _NS_PER_S)}"
    return told.encode()


def _token(name: str) -> str:
    """Write a name as a header's value can have it."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "_" for c in name)
