"""From what a call would have cost to what it did, one step after another, each an integer.

In this order, always: the baseline; after our cache; after what was left out of the input;
after routing; after the vendor's prompt cache; after the tier of batches; then overhead.
Each step is the difference of two amounts that were rounded already, signed and never clamped, so
all of them come to baseline minus cost, to the nano-dollar (economics: The waterfall).
"""

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from msgspec.structs import replace

from legato.core.measures import Measures
from legato.core.money import ZERO, NanoUSD
from legato.core.price import Price
from legato.core.records import EntryKind
from legato.core.usage import Usage
from legato.economics.cost import priced


class Steps(NamedTuple):
    """What each step saved, in nano-USD; negative where it cost more. `overhead` is what we add."""

    cache: int = 0
    shortening: int = 0
    routing: int = 0
    prompt_cache: int = 0
    tier: int = 0
    overhead: int = 0


class Prices(NamedTuple):
    """Of the baseline; of the deployment that answered; and what was charged, as in a batch."""

    baseline: Price
    listed: Price
    charged: Price


NO_STEPS: Final = Steps()
STEPS: Final = Steps._fields
StepName = Literal["cache", "shortening", "routing", "prompt_cache", "tier", "overhead"]
BAR_TITLES: Final = {
    "baseline": "Baseline",
    "cache": "Answered from the cache",
    "shortening": "Left out of the input",
    "routing": "Cheaper model",
    "prompt_cache": "Vendor's prompt cache",
    "tier": "Batch and tier",
    "overhead": "Overhead of our own",
    "cost": "Cost",
}
"""What people call the bars."""
STEP_COLUMNS: Final = tuple(f"step_{name}" for name in STEPS)
"""As an entry of the ledger has them."""
OVERHEAD_KINDS: Final = frozenset(
    {EntryKind.RETRY, EntryKind.HEDGE, EntryKind.JUDGE, EntryKind.SHADOW, EntryKind.OVERHEAD}
)
"""Of entries that no answer came from, or that nobody would have asked for without us."""
_NOTHING: Final = Measures()


def waterfall(
    usage: Usage,
    prices: Prices,
    measures: Measures | None = None,
    *,
    unit: str = "",
    duration_us: int = 0,
) -> Steps:
    """Return the steps of an attempt that answered; none where a price is missing.

    The hours of a machine of our own are overhead, but where the baseline is that machine. An
    amount in between that no price covers leaves its step at 0, and the next one has it.
    """
    done = measures or _NOTHING
    uncached = replace(done, removed_tokens=0).without(usage)
    baseline = priced(done.without(usage), prices.baseline, duration_us, unit)
    cost = priced(usage, prices.charged, duration_us, unit)
    if baseline is None or cost is None:
        return NO_STEPS
    shortened = priced(uncached, prices.baseline, duration_us, unit)
    amounts = [baseline, baseline, shortened]
    if prices.baseline is prices.charged:
        amounts += [shortened, cost, cost]
    else:
        listed, charged = _without_machine(prices.listed), _without_machine(prices.charged)
        amounts += [priced(uncached, listed, 0, unit), priced(usage, listed, 0, unit)]
        amounts += [priced(usage, charged, 0, unit) or ZERO]  # or a machine's hour is all it costs
    return _differences([*amounts, cost])


def plain_steps(kind: str, cost: int | None, baseline: int | None) -> Steps:
    """Return the steps of an entry that names none: what follows from its kind alone."""
    if cost is None or baseline is None or cost == baseline:
        return NO_STEPS
    if kind == EntryKind.CACHE:
        return Steps(cache=baseline - cost)
    if kind in OVERHEAD_KINDS:
        return Steps(overhead=baseline - cost)
    return Steps(routing=baseline - cost)


def steps_of(
    kind: str, cost: int | None, baseline: int | None, named: tuple[int, ...] = ()
) -> Steps:
    """Return the steps that an entry names, where they come to its savings; else the plain ones."""
    if len(named) == len(STEPS) and cost is not None and baseline is not None:
        found = Steps(*named)
        if sum(found) == baseline - cost:
            return found
    return plain_steps(kind, cost, baseline)


def bars(cost: int, steps: Sequence[int]) -> tuple[tuple[str, int], ...]:
    """Return the baseline, what each step took off it (negative) or added, and the cost left.

    `steps` are sums over entries of what each saved, in the order of `STEPS`.
    """
    moved = ((name, -saved) for name, saved in zip(STEPS, steps, strict=True))
    return (("baseline", cost + sum(steps)), *moved, ("cost", cost))


def _without_machine(price: Price) -> Price:
    return replace(price, machine_hour=ZERO) if price.machine_hour else price


def _differences(amounts: Sequence[NanoUSD | None]) -> Steps:
    steps, before = [], amounts[0] or ZERO
    for after in amounts[1:]:
        steps.append(0 if after is None else before - after)
        before = before if after is None else after
    return Steps(*steps)
