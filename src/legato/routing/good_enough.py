"""The strategy `cheapest_good_enough`: the cheapest deployment that is expected to do well enough.

Quality is the probability that an answer is good enough. What isn't known about it is taken off
first: `caution` standard deviations. The baseline is always an option, so that what nobody knows
anything about is never worse than it was without a choice.
"""

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from legato.core.config_routing import Quality
from legato.core.decisions import Weighed

CHOSEN: Final = "chosen"
BASELINE: Final = "baseline"
NO_ESTIMATE: Final = "no_estimate"
UNPRICED: Final = "unpriced"
BELOW_FLOOR: Final = "below_floor"
DEARER: Final = "dearer"
LESS_VALUE: Final = "less_value"
HELD_BACK: Final = "held_back"
_NANO: Final = 1e9
_MS_PER_S: Final = 1_000


def choose(options: Sequence[Weighed], baseline: str, terms: Quality, floor: float) -> str:
    """Return which of the options is chosen; `options` are as they were weighed, cost in nano-USD.

    Among those whose cautious quality reaches the floor: the cheapest, or with weights of cost or
    latency the one of the greatest quality less cost and waiting. The baseline's own quality is
    never asked; without it among the options, it is the best that is left.
    """
    by_name = {one.deployment: one for one in options}
    able = [one for one in options if not reason_against(one, by_name.get(baseline), terms, floor)]
    if baseline in by_name:
        able.append(by_name[baseline])
    elif not able:
        return max(options, key=lambda one: cautious(one, terms)).deployment
    if terms.cost_weight or terms.latency_weight:
        return max(able, key=lambda one: value(one, terms)).deployment
    return min(able, key=_cost).deployment


def reason_against(one: Weighed, baseline: Weighed | None, terms: Quality, floor: float) -> str:
    """Say why an option can't take the baseline's place, "" where it can."""
    if one is baseline:
        return BASELINE
    if one.mean is None:
        return NO_ESTIMATE
    if one.cost is None:  # what nobody knows the price of is not taken for free
        return UNPRICED
    if cautious(one, terms) < floor:
        return BELOW_FLOOR
    weighted = terms.cost_weight or terms.latency_weight
    if baseline is not None and not weighted and baseline.cost is not None:
        return DEARER if one.cost >= baseline.cost else ""
    return ""


def with_reasons(
    options: Sequence[Weighed], baseline: str, terms: Quality, floor: float
) -> tuple[Weighed, ...]:
    """Return the options with what became of each."""
    by_name = {one.deployment: one for one in options}
    chosen = choose(options, baseline, terms, floor)
    against = {
        one.deployment: reason_against(one, by_name.get(baseline), terms, floor) or LESS_VALUE
        for one in options
    }
    against[chosen] = CHOSEN
    return tuple(replace(one, reason=against[one.deployment]) for one in options)


def cautious(one: Weighed, terms: Quality) -> float:
    """Return an option's quality with what isn't known taken off; 0 without an estimate."""
    return 0.0 if one.mean is None else one.mean - terms.caution * one.deviation


def value(one: Weighed, terms: Quality) -> float:
    """Return quality less cost and waiting; an unknown price is worth nothing."""
    if one.cost is None:
        return float("-inf")
    return (
        cautious(one, terms)
        - terms.cost_weight * one.cost / _NANO
        - terms.latency_weight * one.latency_ms / _MS_PER_S
    )


def _cost(one: Weighed) -> float:
    return float("inf") if one.cost is None else one.cost
